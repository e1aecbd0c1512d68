using System.Net;
using System.Text.Json;

namespace OathServer.Validation.Elsewhere;

/// <summary>A server with privacyIDEA's <c>/validate/check</c>: a right code is <c>result.value</c> true, anything else
/// that it says in this shape is a refusal, and 904 is a user it does not know.</summary>
internal sealed class OldRestServer(ParallelRunPolicy policy, IHttpClientFactory clients) : OldServer
{
    public const string Client = "parallel-run";

    private const int UnknownUser = 904;
    private const int ReplyMax = 256 * 1024;

    public override async Task<OldAnswer> AskAsync(string realm, string name, bool bySerial, string code, CancellationToken cancel)
    {
        var fields = new Dictionary<string, string> { [bySerial ? "serial" : "user"] = name, ["pass"] = code };
        if (!bySerial && realm != ValidateEndpoint.DefaultRealm)
        {
            fields["realm"] = realm;
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, policy.Server) { Content = new FormUrlEncodedContent(fields) };
        if (policy.Secret is { Length: > 0 } secret)
        {
            request.Headers.TryAddWithoutValidation("Authorization", secret);
        }

        try
        {
            using var client = clients.CreateClient(Client);
            client.MaxResponseContentBufferSize = ReplyMax;
            using var reply = await client.SendAsync(request, cancel);
            return Read(await reply.Content.ReadAsByteArrayAsync(cancel), reply.StatusCode);
        }
        catch (Exception fault) when (fault is HttpRequestException or OperationCanceledException)
        {
            throw new OldServerUnavailableException(fault is OperationCanceledException ? "it did not answer in time" : "it could not be reached", fault);
        }
    }

    private static OldAnswer Read(byte[] body, HttpStatusCode status)
    {
        try
        {
            using var document = JsonDocument.Parse(body, new JsonDocumentOptions { AllowDuplicateProperties = false });
            var root = document.RootElement;
            var result = root.GetProperty("result");
            if (result.TryGetProperty("error", out var error) && error.ValueKind == JsonValueKind.Object)
            {
                return error.TryGetProperty("code", out var code) && code.ValueKind == JsonValueKind.Number && code.TryGetInt32(out var number) && number == UnknownUser
                    ? new OldAnswer(OldVerdict.Unknown)
                    : throw new OldServerUnavailableException($"it answered {(int)status} with an error of its own");
            }

            // An acceptance is one in every respect: the status, the flag, the value.
            if (status == HttpStatusCode.OK && result.GetProperty("status").ValueKind == JsonValueKind.True)
            {
                return result.GetProperty("value").ValueKind switch
                {
                    JsonValueKind.True => new OldAnswer(OldVerdict.Accepted, TokenOf(root)),
                    JsonValueKind.False => new OldAnswer(OldVerdict.Refused),
                    _ => throw new OldServerUnavailableException("its answer has no value of true or false"),
                };
            }
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new OldServerUnavailableException($"it answered {(int)status}, not as /validate/check does", fault);
        }

        throw new OldServerUnavailableException($"it answered {(int)status}");
    }

    private static string? TokenOf(JsonElement root) =>
        root.TryGetProperty("detail", out var detail) && detail.ValueKind == JsonValueKind.Object
        && detail.TryGetProperty("serial", out var serial) && serial.ValueKind == JsonValueKind.String && serial.GetString() is { Length: > 0 and <= 256 } text
            ? text
            : null;
}
