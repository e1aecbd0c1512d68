using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace OathServer.Samples;

/// <summary>
/// OathServer from .NET, with the base class library alone. Copy it. Every method throws <see cref="HttpRequestException"/>
/// where there is no answer to rely on: then nobody may be let in.
/// </summary>
public sealed class OathServerClient : IDisposable
{
    private const string KeyHeader = "X-API-Key";
    private const string RequestIdHeader = "Idempotency-Key";

    private static readonly TimeSpan[] Pauses = [TimeSpan.Zero, TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(1)];

    private readonly HttpClient client;

    /// <param name="address">Where OathServer is.</param>
    /// <param name="key">An API key: of a relying party, or of staff for records.</param>
    public OathServerClient(Uri address, string key)
    {
        client = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromSeconds(10) };
        client.DefaultRequestHeaders.Add(KeyHeader, key);
    }

    /// <summary>True when the code was accepted; it never will be again. One request id over all tries: after a lost reply
    /// the server gives the same answer again instead of "used before".</summary>
    public async Task<bool> ValidateAsync(string user, string code, string? realm = null, CancellationToken cancel = default)
    {
        var id = Guid.NewGuid().ToString();
        Exception? last = null;
        foreach (var pause in Pauses)
        {
            await Task.Delay(pause, cancel);
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/validate") { Content = JsonContent.Create(new { user, code, realm }) };
                request.Headers.Add(RequestIdHeader, id);
                using var reply = await client.SendAsync(request, cancel);
                if (reply.StatusCode is not (HttpStatusCode.ServiceUnavailable or HttpStatusCode.TooManyRequests))
                {
                    reply.EnsureSuccessStatusCode();
                    return (await reply.Content.ReadFromJsonAsync<JsonElement>(cancel)).GetProperty("accepted").GetBoolean();
                }
            }
            catch (Exception fault) when (fault is HttpRequestException { StatusCode: null } or TaskCanceledException && !cancel.IsCancellationRequested)
            {
                last = fault;
            }
        }

        throw new HttpRequestException("There was no answer.", last);
    }

    /// <summary>Null when the token is realigned, else why not.</summary>
    public async Task<string?> ResynchroniseAsync(string serial, string[] codes, CancellationToken cancel = default)
    {
        using var reply = await client.PostAsJsonAsync($"/v1/tokens/{Uri.EscapeDataString(serial)}/resync", new { codes }, cancel);
        if (reply.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.UnprocessableEntity)
        {
            return (await reply.Content.ReadFromJsonAsync<JsonElement>(cancel)).GetProperty("title").GetString();
        }

        reply.EnsureSuccessStatusCode();
        return null;
    }

    /// <summary>The records of a CUID, a serial number, a user's name or mail.</summary>
    public async Task<JsonElement[]> RecordsAsync(string search, CancellationToken cancel = default) =>
        (await client.GetFromJsonAsync<JsonElement[]>($"/v1/records?search={Uri.EscapeDataString(search)}", cancel))!;

    /// <inheritdoc/>
    public void Dispose() => client.Dispose();
}
