using System.Globalization;
using Microsoft.Extensions.Localization;

namespace OathServer.Pages;

/// <summary>Sentences that other rooms say in English, also those stored long ago, in the reader's language. What is not known
/// here is shown as it is, marked as English.</summary>
internal static class Heard
{
    private static readonly Vocabulary Desk = new(HeardSentences.All);
    private static readonly Vocabulary Imports = new(ImportSentences.All);

    /// <summary>What provisioning or a desk said, as a page says it; null when it is not known.</summary>
    public static Phrase? Find(string text) => Desk.Find(text);

    /// <summary>What an import said.</summary>
    public static Phrase? FindImport(string text) => Imports.Find(text);

    /// <summary>What provisioning or a desk said, in the reader's language, and the language it is in where that is not the
    /// page's.</summary>
    public static (string Text, string? Lang) Other(this IStringLocalizer text, string said) => Said(text, said, Desk);

    /// <summary>The same of what an import said.</summary>
    public static (string Text, string? Lang) OfImport(this IStringLocalizer text, string said) => Said(text, said, Imports);

    /// <summary>What the trail says of an act. What is not known there is a name, or what somebody wrote, in whatever language.</summary>
    public static (string Text, string? Lang) OfTrail(this IStringLocalizer text, string action, string detail)
    {
        var (phrase, isOurs) = InEnglish ? (null, true) : TrailDetails.Find(action, detail);
        return phrase is not null ? (text.Of(phrase), null) : (detail, isOurs && !InEnglish ? "en" : null);
    }

    /// <summary>What became of an act, as <c>Said</c> shows it: what another room refused it with, or that it is done.</summary>
    public static (string Text, string Kind, string? Lang) Became(this IStringLocalizer text, string? refusal, string? done)
    {
        var (said, lang) = refusal is null ? (done ?? "", null) : text.Other(refusal);
        return (said, refusal is null ? "good" : "bad", lang);
    }

    private static (string Text, string? Lang) Said(IStringLocalizer text, string said, Vocabulary words) => InEnglish ? (said, null)
        : words.Find(said) is { } phrase ? (text.Of(phrase), null)
        : (said, "en");

    private static bool InEnglish => CultureInfo.CurrentUICulture.TwoLetterISOLanguageName == "en";
}
