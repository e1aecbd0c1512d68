using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using OathServer.Storage;

namespace OathServer.Audit;

/// <summary>The forms in which the trail leaves the server.</summary>
internal enum AuditFormat
{
    /// <summary>One JSON object a line.</summary>
    Jsonl,

    /// <summary>Common Event Format, one event a line.</summary>
    Cef,

    /// <summary>CEF inside RFC 5424 messages, one a line.</summary>
    Syslog,
}

/// <summary>An act as it is read back.</summary>
public sealed record AuditView(
    long Sequence, DateTimeOffset At, string Actor, string Action, string Outcome, string? Cuid, string? Serial, string? User,
    string? Origin, string? Detail);

/// <summary>A validation as it is read back; the code is never kept.</summary>
public sealed record AttemptView(
    int Node, long Batch, DateTimeOffset At, string? Serial, int? ApiKey, string Outcome, long Counter, int Distance, string? Subject);

/// <summary>Writes acts and validations as lines.</summary>
internal static class AuditLines
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.Default,
    };

    public static AuditView View(AuditEntry entry) => new(
        entry.Sequence, entry.At, entry.Actor, entry.Action, entry.Outcome, entry.Cuid, entry.Serial, entry.UserName, entry.Origin, entry.Detail);

    public static string Of(AuditView act, AuditFormat format) => format switch
    {
        AuditFormat.Jsonl => JsonSerializer.Serialize(act, Json),
        AuditFormat.Cef => Cef(act),
        _ => Syslog(act.At, Cef(act)),
    };

    public static string Of(AttemptView attempt, AuditFormat format) => format switch
    {
        AuditFormat.Jsonl => JsonSerializer.Serialize(attempt, Json),
        AuditFormat.Cef => Cef(attempt),
        _ => Syslog(attempt.At, Cef(attempt)),
    };

    private static string Cef(AuditView act) => Event(act.Action, act.Action, act.Outcome == "done" ? 3 : 5,
        ("rt", Milliseconds(act.At)), ("externalId", act.Sequence.ToString(CultureInfo.InvariantCulture)), ("suser", act.Actor),
        ("src", act.Origin), ("outcome", act.Outcome), ("duser", act.User),
        ("cs1Label", act.Cuid is null ? null : "cuid"), ("cs1", act.Cuid),
        ("cs2Label", act.Serial is null ? null : "serial"), ("cs2", act.Serial), ("msg", act.Detail));

    private static string Cef(AttemptView attempt) => Event("validation", "validation", attempt.Outcome == "accepted" ? 1 : 4,
        ("rt", Milliseconds(attempt.At)), ("externalId", $"{attempt.Node}/{attempt.Batch}"), ("outcome", attempt.Outcome),
        // With a token it is who of staff asked, without one who was to be let in.
        (attempt.Serial is null ? "duser" : "suser", attempt.Subject), ("cs2Label", attempt.Serial is null ? null : "serial"), ("cs2", attempt.Serial),
        ("cn1Label", "counter"), ("cn1", attempt.Counter.ToString(CultureInfo.InvariantCulture)));

    private static string Event(string id, string name, int severity, params ReadOnlySpan<(string Key, string? Value)> extension)
    {
        var version = typeof(AuditLines).Assembly.GetName().Version!.ToString(3);
        var line = new StringBuilder("CEF:0|OathServer|OathServer|").Append(version).Append('|')
            .Append(Head(id)).Append('|').Append(Head(name)).Append('|').Append(severity).Append('|');
        var first = true;
        foreach (var (key, value) in extension)
        {
            if (value is not null)
            {
                line.Append(first ? "" : " ").Append(key).Append('=').Append(Value(value));
                first = false;
            }
        }

        return line.ToString();
    }

    private static string Syslog(DateTimeOffset at, string message) => string.Create(CultureInfo.InvariantCulture,
        $"<109>1 {at.UtcDateTime:yyyy-MM-ddTHH:mm:ss.fffZ} {Environment.MachineName} oathserver - audit - {message}");

    private static string Milliseconds(DateTimeOffset at) => at.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);

    // A caller's text must not end a line or begin a field of its own.
    private static string Head(string text) => Plain(text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("|", "\\|", StringComparison.Ordinal));

    private static string Value(string text) => Plain(text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("=", "\\=", StringComparison.Ordinal));

    private static string Plain(string text) =>
        text.Replace("\r", "\\r", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
