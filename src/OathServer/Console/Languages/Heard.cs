using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Localization;

namespace OathServer.Pages;

/// <summary>Sentences that other rooms say in English, also those stored long ago, in the reader's language. What is not known
/// here is shown as it is, marked as English.</summary>
internal static partial class Heard
{
    private static readonly Dictionary<string, Phrase> Whole =
        HeardSentences.All.Where(p => !p.Text.Contains('{', StringComparison.Ordinal)).ToDictionary(p => p.Text, StringComparer.Ordinal);

    private static readonly (string Start, Regex Form, Phrase Phrase)[] Forms =
        [.. HeardSentences.All.Where(p => p.Text.Contains('{', StringComparison.Ordinal)).Select(p => (p.Text[..p.Text.IndexOf('{', StringComparison.Ordinal)], FormOf(p.Text), p))];

    /// <summary>The sentence as a page says it; null when it is not known.</summary>
    public static Phrase? Find(string text)
    {
        if (FindOne(text) is { } one)
        {
            return one;
        }

        // Several sentences, each known: the second may say what to do about the first.
        var parts = Border().Split(text);
        var found = Array.ConvertAll(parts, FindOne);
        return parts.Length is < 2 or > 4 || Array.Exists(found, p => p is null) ? null : new Phrase(string.Join(' ', found.Select((_, i) => $"{{{i}}}")), [.. found!]);
    }

    /// <summary>What another room said, in the reader's language, and the language it is in where that is not the page's.</summary>
    public static (string Text, string? Lang) Other(this IStringLocalizer text, string said) =>
        CultureInfo.CurrentUICulture.TwoLetterISOLanguageName == "en" ? (said, null)
        : Find(said) is { } phrase ? (Say(text, phrase), null)
        : (said, "en");

    // Joined sentences are no resource: only what stands in them is.
    private static string Say(IStringLocalizer text, Phrase phrase) => phrase.Text.StartsWith("{0} {1}", StringComparison.Ordinal) && phrase.With.All(p => p is Phrase)
        ? string.Join(' ', phrase.With.Select(p => text.Of((Phrase)p!))) : text.Of(phrase);

    private static Phrase? FindOne(string text)
    {
        if (Whole.TryGetValue(text, out var whole))
        {
            return whole;
        }

        foreach (var (start, form, phrase) in Forms)
        {
            if (text.StartsWith(start, StringComparison.Ordinal) && form.Match(text) is { Success: true } match)
            {
                return new Phrase(phrase.Text, [.. match.Groups.Values.Skip(1).Select(g => (object)(FindOne(g.Value) ?? (object)g.Value))]);
            }
        }

        return null;
    }

    private static Regex FormOf(string text) =>
        new("^" + Place().Replace(Regex.Escape(text), "(.*?)") + "$", RegexOptions.CultureInvariant | RegexOptions.Singleline, TimeSpan.FromMilliseconds(100));

    [GeneratedRegex(@"\\\{\d}")]
    private static partial Regex Place();

    [GeneratedRegex(@"(?<=[.!?:]) (?=[A-Z])")]
    private static partial Regex Border();
}
