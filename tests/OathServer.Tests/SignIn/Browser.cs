using System.Net;
using System.Text.RegularExpressions;

namespace OathServer.Tests.SignIn;

/// <summary>What a browser without script does: keeps cookies, reads a form, sends it back.</summary>
internal sealed partial class Browser : IDisposable
{
    private readonly CookieContainer cookies = new();

    public Browser(Uri address) =>
        Client = new HttpClient(new HttpClientHandler { CookieContainer = cookies, AllowAutoRedirect = false, ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator })
        {
            BaseAddress = address,
            DefaultRequestHeaders = { { "Accept", "text/html" } },
        };

    public HttpClient Client { get; }

    public Cookie? Session => cookies.GetAllCookies()["oath-staff"];

    public Task<string> ReadAsync(string page) => Client.GetStringAsync(page, TestContext.Current.CancellationToken);

    /// <summary>Opens the page and sends its form with its own antiforgery token.</summary>
    public async Task<HttpResponseMessage> SubmitAsync(string page, string action, params (string Name, string Value)[] fields)
    {
        using var read = await Client.GetAsync(page, TestContext.Current.CancellationToken);
        var html = await read.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        if (!TokenField().IsMatch(html))
        {
            // A page without a form: the attempt is made all the same, with another form's token.
            html = await ReadAsync("/sign-in");
        }

        var token = TokenField().Match(html).Groups[1].Value;
        using var form = new FormUrlEncodedContent(fields.Append((Name: "__RequestVerificationToken", Value: WebUtility.HtmlDecode(token)))
            .Select(f => KeyValuePair.Create(f.Name, f.Value)));
        return await Client.PostAsync(action, form, TestContext.Current.CancellationToken);
    }

    public Task<HttpResponseMessage> SignInAsync(string name, string password) =>
        SubmitAsync("/sign-in", "/sign-in", ("name", name), ("password", password), ("back", "/"));

    public Task<HttpResponseMessage> SetUpAsync(string link, string password, string? name = null) =>
        SubmitAsync(link, "/setup", ("token", link.Split("token=")[1]), ("name", name ?? ""), ("password", password), ("again", password));

    public void Dispose() => Client.Dispose();

    [GeneratedRegex("name=\"__RequestVerificationToken\" value=\"([^\"]+)\"")]
    private static partial Regex TokenField();
}
