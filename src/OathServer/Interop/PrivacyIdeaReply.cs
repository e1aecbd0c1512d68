using System.Text.Json;

namespace OathServer.Interop;

/// <summary>privacyIDEA's numbers of errors.</summary>
internal static class PrivacyIdeaFault
{
    public const int StoreDown = 903;
    public const int UnknownUser = 904;
    public const int Parameter = 905;

    /// <summary>Also: a wrong name or password of a service account.</summary>
    public const int NotAllowed = 4031;

    public const int NoUserName = 4032;
    public const int NoToken = 4033;
}

/// <summary>Writes replies in the shape that privacyIDEA's clients read: members are left out rather than null,
/// <c>value</c> is a boolean, a transaction id a string, an error code a number.</summary>
internal static class PrivacyIdeaReply
{
    private const string Version = "3.9";

    public static Task VerdictAsync(HttpContext http, bool accepted, string message, string? serial, int digits, TimeProvider time) =>
        WriteAsync(http, StatusCodes.Status200OK, id: 2, time, writer =>
        {
            Result(writer, accepted ? "ACCEPT" : "REJECT", w => w.WriteBooleanValue(accepted));
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

    /// <param name="http">The request.</param>
    /// <param name="challenge">What is asked for.</param>
    /// <param name="time">The clock.</param>
    /// <param name="triggered">How many were triggered; null where a code was refused, which is no number there but false.</param>
    public static Task ChallengeAsync(HttpContext http, Challenge challenge, TimeProvider time, int? triggered = null) =>
        WriteAsync(http, StatusCodes.Status200OK, id: 2, time, writer =>
        {
            Result(writer, "CHALLENGE", w =>
            {
                if (triggered is { } count)
                {
                    w.WriteNumberValue(count);
                }
                else
                {
                    w.WriteBooleanValue(false);
                }
            });
            writer.WriteStartObject("detail");
            writer.WriteString("message", challenge.Message);
            writer.WriteString("serial", challenge.Serials[0]);
            writer.WriteString("type", "hotp");
            writer.WriteString("transaction_id", challenge.Transaction);
            Strings(writer, "transaction_ids", [challenge.Transaction]);
            Strings(writer, "messages", [.. challenge.Serials.Select(_ => challenge.Message)]);
            writer.WriteString("preferred_client_mode", "interactive");
            writer.WriteString("client_mode", "interactive");
            writer.WriteStartArray("multi_challenge");
            foreach (var serial in challenge.Serials)
            {
                writer.WriteStartObject();
                writer.WriteString("serial", serial);
                writer.WriteString("type", "hotp");
                writer.WriteString("message", challenge.Message);
                writer.WriteString("transaction_id", challenge.Transaction);
                writer.WriteString("client_mode", "interactive");
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        });

    /// <summary>Nobody was challenged: there is no token that could answer.</summary>
    public static Task NothingTriggeredAsync(HttpContext http, TimeProvider time) =>
        WriteAsync(http, StatusCodes.Status200OK, id: 2, time, writer =>
        {
            Result(writer, "REJECT", w => w.WriteNumberValue(0));
            writer.WriteStartObject("detail");
            writer.WriteString("message", "The user has no tokens assigned");
            writer.WriteEndObject();
        });

    /// <summary>How a challenge stands. Without <c>authentication</c>: it is no verdict.</summary>
    public static Task PolledAsync(HttpContext http, string status, TimeProvider time) =>
        WriteAsync(http, StatusCodes.Status200OK, id: 1, time, writer =>
        {
            Result(writer, authentication: null, w => w.WriteBooleanValue(false));
            writer.WriteStartObject("detail");
            writer.WriteString("challenge_status", status);
            writer.WriteEndObject();
        });

    /// <summary>A reply whose <c>value</c> is an object.</summary>
    public static Task ValueAsync(HttpContext http, TimeProvider time, Action<Utf8JsonWriter> members) =>
        WriteAsync(http, StatusCodes.Status200OK, id: 1, time, writer =>
            Result(writer, authentication: null, w =>
            {
                w.WriteStartObject();
                members(w);
                w.WriteEndObject();
            }));

    public static void Strings(Utf8JsonWriter writer, string name, string[] values)
    {
        writer.WriteStartArray(name);
        foreach (var value in values)
        {
            writer.WriteStringValue(value);
        }

        writer.WriteEndArray();
    }

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

    /// <param name="writer">The reply.</param>
    /// <param name="authentication">The verdict; left out where it is none.</param>
    /// <param name="value">Writes the one value.</param>
    private static void Result(Utf8JsonWriter writer, string? authentication, Action<Utf8JsonWriter> value)
    {
        writer.WriteStartObject("result");
        writer.WriteBoolean("status", true);
        writer.WritePropertyName("value");
        value(writer);
        if (authentication is not null)
        {
            writer.WriteString("authentication", authentication);
        }

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
