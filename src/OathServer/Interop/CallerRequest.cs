using System.Text.Json;
using Microsoft.AspNetCore.WebUtilities;
using OathServer.Operations;

namespace OathServer.Interop;

/// <summary>The parameters of a request as privacyIDEA's clients send them: query string, urlencoded form, multipart
/// form or a flat JSON object, whichever it is.</summary>
internal sealed class CallerRequest
{
    private const int MembersMax = 32;

    private readonly Dictionary<string, string> members = new(StringComparer.Ordinal);

    public string? this[string name] => members.GetValueOrDefault(name);

    public static async Task<CallerRequest> ReadAsync(HttpRequest request, CancellationToken cancel)
    {
        var read = new CallerRequest();
        foreach (var (name, values) in request.Query)
        {
            // The php client ends its query with a lone '&'.
            if (name.Length > 0 && values is [{ } value])
            {
                read.members[name] = value;
            }
        }

        if (request.HasFormContentType)
        {
            var again = EncodesTwice(request.Headers.UserAgent.ToString());
            foreach (var (name, values) in await ReadFormAsync(request, cancel))
            {
                if (values is [{ } value])
                {
                    read.members[name] = again ? QueryHelpers.ParseQuery("v=" + value.Replace("&", "%26", StringComparison.Ordinal))["v"].ToString() : value;
                }
            }
        }
        else if (request.HasJsonContentType())
        {
            await read.ReadJsonAsync(request, cancel);
        }

        return read;
    }

    /// <summary>Two client families encode user and pass twice: the FreeRADIUS perl module, whose agent is exactly
    /// <c>FreeRADIUS</c> (rlm_rest adds its version and encodes once), and the Java client.</summary>
    internal static bool EncodesTwice(string userAgent) =>
        userAgent == "FreeRADIUS" || userAgent.StartsWith("privacyIDEA-Keycloak", StringComparison.Ordinal);

    private static async Task<IFormCollection> ReadFormAsync(HttpRequest request, CancellationToken cancel)
    {
        try
        {
            return await request.ReadFormAsync(cancel);
        }
        catch (Exception fault) when (BrokenForm.Is(fault))
        {
            throw BrokenForm.Refusal(fault);
        }
    }

    private async Task ReadJsonAsync(HttpRequest request, CancellationToken cancel)
    {
        try
        {
            using var document = await JsonDocument.ParseAsync(
                request.Body, new JsonDocumentOptions { MaxDepth = 4, AllowDuplicateProperties = false }, cancel);
            foreach (var member in document.RootElement.EnumerateObject().Take(MembersMax))
            {
                if (member.Value.ValueKind == JsonValueKind.String)
                {
                    members[member.Name] = member.Value.GetString()!;
                }
            }
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            throw new BadHttpRequestException("The body is not a JSON object of strings.", fault);
        }
    }
}
