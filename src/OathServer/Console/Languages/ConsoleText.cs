using System.Globalization;
using Microsoft.Extensions.Localization;

namespace OathServer.Pages;

/// <summary>What pages say. The English sentence in the page is the key; <c>ConsoleText.de.resx</c> has the German one. Each
/// page has it as <c>T</c>: <c>@T["Who is calling?"]</c>, <c>@T["{0} found", n]</c>.</summary>
public sealed class ConsoleText;

/// <summary>A sentence and what stands in it, kept apart: the trail has it in English, a page in the reader's language.</summary>
/// <param name="Text">English, with <c>{0}</c>, <c>{1}</c> for what stands in it.</param>
/// <param name="With">What stands in it; a phrase there is translated too.</param>
public sealed record Phrase(string Text, params object?[] With)
{
    /// <summary>A sentence with nothing in it.</summary>
    public static implicit operator Phrase(string text) => new(text);

    /// <summary>In English.</summary>
    public override string ToString() => With.Length == 0 ? Text : string.Format(CultureInfo.InvariantCulture, Text, With);
}

/// <summary>Ways to say things beside <c>T["…"]</c>.</summary>
public static class Saying
{
    /// <summary>A phrase in the reader's language.</summary>
    public static string Of(this IStringLocalizer text, Phrase phrase) => phrase.With.Length == 0
        ? text[phrase.Text]
        : text[phrase.Text, [.. phrase.With.Select(part => part is Phrase inner ? text.Of(inner) : part!)]];

    /// <summary>One or many of something: <c>T.Count(n, "{0:N0} key", "{0:N0} keys")</c>. English and German both ask only
    /// whether it is one.</summary>
    /// <param name="text">The texts.</param>
    /// <param name="count">How many; it stands at <c>{0}</c>.</param>
    /// <param name="one">What is said of one.</param>
    /// <param name="many">What is said of none and of several.</param>
    /// <param name="with">What else stands in it, from <c>{1}</c> on.</param>
    public static string Count(this IStringLocalizer text, long count, string one, string many, params object[] with) =>
        text[count == 1 ? one : many, [count, .. with]];
}
