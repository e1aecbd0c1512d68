using System.Text.RegularExpressions;

namespace OathServer.Pages;

/// <summary>Finds again what a sentence was made of: the words it has in common with others of its kind, and what stands in it.
/// So a sentence that was stored long ago, in English, can be said in another language.</summary>
/// <param name="phrases">The sentences; <c>{0}</c> stands for what varies. Of two that fit, the first counts.</param>
internal sealed partial class Vocabulary(IEnumerable<Phrase> phrases)
{
    private const int PartsMax = 12;

    private readonly Dictionary<string, Phrase> whole =
        phrases.Where(p => !p.Text.Contains('{', StringComparison.Ordinal)).ToDictionary(p => p.Text, StringComparer.Ordinal);

    private readonly Form[] forms = [.. phrases.Where(p => p.Text.Contains('{', StringComparison.Ordinal)).Select(p => new Form(p, Place().Split(p.Text)))];

    /// <summary>The sentence, or several that stand together, each known; null when one of them is not.</summary>
    public Phrase? Find(string text) => FindPlaced(text) ?? FindOne(text) ?? FindEnded(text) ?? FindSentences(text) ?? FindList(text) ?? FindCounts(text);

    private Phrase? FindOne(string text)
    {
        if (whole.TryGetValue(text, out var known))
        {
            return known;
        }

        foreach (var form in forms)
        {
            if (form.Match(text) is { } with)
            {
                return new Phrase(form.Phrase.Text, [.. with.Select(part => Find(part) ?? (object)part)]);
            }
        }

        return null;
    }

    /// <summary>A sentence with its place in a file before it.</summary>
    private Phrase? FindPlaced(string text)
    {
        if (Placed().Match(text) is not { Success: true } match || Find(match.Groups["what"].Value) is not { } what)
        {
            return null;
        }

        Phrase[] places =
        [
            .. match.Groups["line"] is { Success: true } line ? [new Phrase("line {0}", line.Value)] : Array.Empty<Phrase>(),
            .. match.Groups["serial"] is { Success: true } serial ? [new Phrase("serial {0}", serial.Value)] : Array.Empty<Phrase>(),
            .. match.Groups["key"] is { Success: true } key ? [new Phrase("key {0}", key.Value)] : Array.Empty<Phrase>(),
        ];
        return Joined(": ", [Joined(", ", places), what]);
    }

    /// <summary>A reason that became a sentence by its full stop.</summary>
    private Phrase? FindEnded(string text) => text.EndsWith('.') && FindOne(text[..^1]) is { } reason ? Frame("{0}.", reason) : null;

    /// <summary>Several sentences: the second may say what to do about the first.</summary>
    private Phrase? FindSentences(string text)
    {
        var parts = Border().Split(text);
        var found = parts.Length is < 2 or > PartsMax ? [] : Array.ConvertAll(parts, FindOne);
        return found.Length == 0 || Array.Exists(found, p => p is null) ? null : Joined(" ", found!);
    }

    /// <summary>Several reasons, with semicolons between; a reason may have one of its own.</summary>
    private Phrase? FindList(string text)
    {
        const string Between = "; ";
        for (var at = text.IndexOf(Between, StringComparison.Ordinal); at > 0; at = text.IndexOf(Between, at + 1, StringComparison.Ordinal))
        {
            var rest = text[(at + Between.Length)..];
            if (FindOne(text[..at]) is { } first && (FindOne(rest) ?? FindList(rest)) is { } others)
            {
                return Joined(Between, [first, others]);
            }
        }

        return null;
    }

    /// <summary>How many there are of each kind; a kind that is not known is a name.</summary>
    private Phrase? FindCounts(string text)
    {
        var counts = text.Split(", ");
        var found = Array.ConvertAll(counts, count => Count().Match(count));
        var kinds = Array.ConvertAll(found, count => FindOne(count.Groups[2].Value));
        return Array.TrueForAll(found, count => count.Success) && Array.Exists(kinds, kind => kind is not null)
            ? Joined(", ", [.. found.Zip(kinds).Select(pair => new Phrase(pair.First.Groups[1].Value + " {0}", pair.Second ?? (object)pair.First.Groups[2].Value))]) : null;
    }

    // A frame without a word of its own is the same in every language.
    private static Phrase Joined(string between, Phrase[] parts) =>
        parts.Length == 1 ? parts[0] : Frame(string.Join(between, parts.Select((_, i) => $"{{{i}}}")), parts);

    private static Phrase Frame(string frame, params Phrase[] parts) => new(frame, [.. parts]);

    [GeneratedRegex(@"\{\d[^}]*\}")]
    private static partial Regex Place();

    [GeneratedRegex(@"(?<=[.!?:]) (?=[A-Z])")]
    private static partial Regex Border();

    [GeneratedRegex(@"^(\d+) (\D.*)$")]
    private static partial Regex Count();

    [GeneratedRegex(@"^(?=line |serial |key )(?:line (?<line>\d+)(?:, |(?=: )))?(?:serial (?<serial>[^ ]*?)(?:, |(?=: )))?(?:key (?<key>[^ ]*?))?: (?<what>.*)$", RegexOptions.Singleline)]
    private static partial Regex Placed();

    /// <summary>A sentence in which something varies.</summary>
    /// <param name="Phrase">The sentence.</param>
    /// <param name="Words">What stands before, between and after what varies.</param>
    private sealed record Form(Phrase Phrase, string[] Words)
    {
        /// <summary>What stands in it; null when the text is another.</summary>
        public List<string>? Match(string text)
        {
            if (!text.StartsWith(Words[0], StringComparison.Ordinal) || !text.EndsWith(Words[^1], StringComparison.Ordinal))
            {
                return null;
            }

            var (at, end, found) = (Words[0].Length, text.Length - Words[^1].Length, new List<string>());
            foreach (var word in Words.AsSpan(1..^1))
            {
                var next = at > end ? -1 : text.IndexOf(word, at, end - at, StringComparison.Ordinal);
                if (next < 0)
                {
                    return null;
                }

                found.Add(text[at..next]);
                at = next + word.Length;
            }

            if (at > end)
            {
                return null;
            }

            found.Add(text[at..end]);
            return found;
        }
    }
}
