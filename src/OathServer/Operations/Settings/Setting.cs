using System.Globalization;
using System.Net;

namespace OathServer.Operations.Settings;

/// <summary>One setting: where it stands, what it takes, and what it is for.</summary>
/// <param name="Path">Its path with colons; a last part <c>*</c> stands for any name (a list's number, a role).</param>
/// <param name="Fault">What is wrong with a value, in words that follow "is X;" — null when nothing is.</param>
/// <param name="Says">What it takes, for the list of settings.</param>
/// <param name="IsSecret">Its value is not repeated in a message.</param>
internal sealed record Setting(string Path, Func<string, string?> Fault, string Says, bool IsSecret = false)
{
    public static Setting Text(string path, string says) => new(path, _ => null, says);

    public static Setting Secret(string path, string says) => new(path, _ => null, says, IsSecret: true);

    public static Setting Flag(string path, string says) => new(path, text => bool.TryParse(text, out _) ? null : "it must be true or false.", says);

    public static Setting Whole(string path, int least, int most, string says) => new(
        path,
        text => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? null
            : most == int.MaxValue ? $"it must be a whole number, {least} or more." : $"it must be a whole number, {least} to {most}.",
        says);

    public static Setting Duration(string path, string says) => new(
        path, text => TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out _) ? null : "it must be a time as 00:00:30 (hours, minutes, seconds).", says);

    public static Setting OneOf(string path, string says, params string[] values) => new(
        path, text => Array.Exists(values, v => v == text) ? null : $"it must be {Words(values)}.", says);

    public static Setting Network(string path, string says) => new(
        path, text => IPNetwork.TryParse(text, out _) ? null : "it must be a network such as 10.1.0.0/16.", says);

    public static Setting Address(string path, string says) => new(
        path, text => Uri.TryCreate(text, UriKind.Absolute, out _) ? null : "it must be an address as https://host/path.", says);

    /// <summary>A, B or C.</summary>
    private static string Words(string[] values) => values.Length == 1 ? values[0] : $"{string.Join(", ", values[..^1])} or {values[^1]}";

    /// <summary>Whether <paramref name="key"/> is this setting, or stands inside its open end.</summary>
    public bool Takes(string key)
    {
        var parts = Path.Split(':');
        var others = key.Split(':');
        return parts.Length == others.Length && parts.Zip(others).All(p => p.First == "*" || p.First.Equals(p.Second, StringComparison.OrdinalIgnoreCase));
    }
}
