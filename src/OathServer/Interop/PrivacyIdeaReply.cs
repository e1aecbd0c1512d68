using System.Text.Json;

namespace OathServer.Interop;

/// <summary>Writes replies in the shape that privacyIDEA's clients read: members are left out rather than null,
/// <c>value</c> is a boolean, a transaction id a string, an error code a number.</summary>
internal static class PrivacyIdeaReply
{
    private const string Version = "3.9";

    public static Task VerdictAsync(HttpContext http, bool accepted, string message, string? serial, int digits, TimeProvider time) =>
        WriteAsync(http, StatusCodes.Status200OK, id: 2, time, writer =>
        {
            Result(writer, accepted, accepted ? "ACCEPT" : "REJECT");
            writer.WriteStartObject("detail");
            writer.WriteString("message", message);
            if (serial is not null)
            {
                writer.WriteString("serial", serial);
                writer.WriteString("type", "hotp");
                writer.WriteNumber("otplen", digits);
            }

            writer.WriteEndObject();
        });

    public static Task ChallengeAsync(HttpContext http, string message, string transaction, string serial, TimeProvider time) =>
        WriteAsync(http, StatusCodes.Status200OK, id: 2, time, writer =>
        {
            Result(writer, value: false, "CHALLENGE");
            writer.WriteStartObject("detail");
            writer.WriteString("message", message);
            writer.WriteString("transaction_id", transaction);
            writer.WriteStartArray("transaction_ids");
            writer.WriteStringValue(transaction);
            writer.WriteEndArray();
            writer.WriteStartArray("messages");
            writer.WriteStringValue(message);
            writer.WriteEndArray();
            writer.WriteString("preferred_client_mode", "interactive");
            writer.WriteStartArray("multi_challenge");
            writer.WriteStartObject();
            writer.WriteString("serial", serial);
            writer.WriteString("type", "hotp");
            writer.WriteString("message", message);
            writer.WriteString("transaction_id", transaction);
            writer.WriteString("client_mode", "interactive");
            writer.WriteEndObject();
            writer.WriteEndArray();
            writer.WriteEndObject();
        });

    /// <summary>An error in privacyIDEA's numbering, e.g. 905 for a parameter that is missing.</summary>
    public static Task ErrorAsync(HttpContext http, int status, int code, string message, TimeProvider time) =>
        WriteAsync(http, status, id: 1, time, writer =>
        {
            writer.WriteStartObject("result");
            writer.WriteBoolean("status", false);
            writer.WriteStartObject("error");
            writer.WriteNumber("code", code);
            writer.WriteString("message", $"ERR{code}: {message}");
            writer.WriteEndObject();
            writer.WriteEndObject();
        });

    private static void Result(Utf8JsonWriter writer, bool value, string authentication)
    {
        writer.WriteStartObject("result");
        writer.WriteBoolean("status", true);
        writer.WriteBoolean("value", value);
        writer.WriteString("authentication", authentication);
        writer.WriteEndObject();
    }

    private static async Task WriteAsync(HttpContext http, int status, int id, TimeProvider time, Action<Utf8JsonWriter> members)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        http.Response.Headers.CacheControl = "no-store";
        await using var writer = new Utf8JsonWriter(http.Response.BodyWriter);
        writer.WriteStartObject();
        writer.WriteNumber("id", id);
        writer.WriteString("jsonrpc", "2.0");
        members(writer);
        writer.WriteNumber("time", time.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0);
        writer.WriteString("version", $"privacyIDEA {Version} (OathServer)");
        writer.WriteString("versionnumber", Version);
        writer.WriteEndObject();
    }
}
