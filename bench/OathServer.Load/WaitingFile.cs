using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;

namespace OathServer.Load;

/// <summary>A file of many new keys that waits to be confirmed, sent by the form of the page. Every hundredth key is refused.</summary>
internal static partial class WaitingFile
{
    /// <summary>The address of its check, once it is through.</summary>
    public static async Task<string> SendAsync(HttpClient client, int keys)
    {
        var page = await client.GetStringAsync("/imports/new");
        using var form = new MultipartFormDataContent
        {
            { new StringContent(Hidden(page, "__RequestVerificationToken")), "__RequestVerificationToken" },
            { new StringContent(Hidden(page, "_handler")), "_handler" },
            { new ByteArrayContent(Encoding.ASCII.GetBytes(Rows(keys))), "file", "waiting.csv" },
        };
        using var reply = await client.PostAsync("/imports/new", form);
        var address = reply.RequestMessage!.RequestUri!.PathAndQuery;
        while ((await client.GetStringAsync(address)).Contains("data-follow", StringComparison.Ordinal))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(200));
        }

        return address;
    }

    private static string Rows(int keys)
    {
        var rows = new StringBuilder();
        for (var i = 0; i < keys; i++)
        {
            var secret = i % 100 == 7 ? "" : Convert.ToHexString(LoadTokens.Secret(i));
            rows.Append(CultureInfo.InvariantCulture, $"N{i:D9},{secret},{i % 1000}\n");
        }

        return rows.ToString();
    }

    private static string Hidden(string page, string name) => WebUtility.HtmlDecode(
        Regex.Match(page, $"name=\"{name}\" value=\"([^\"]+)\"") is { Success: true } match ? match.Groups[1].Value : throw new InvalidOperationException($"The page has no {name}."));
}
