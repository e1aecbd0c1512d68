using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using OathServer.Access;
using OathServer.Operations;

namespace OathServer.Tests.Operations;

public class TransportTests
{
    [Theory]
    [InlineData("/sign-in")]
    [InlineData("/v1/tokens")]
    [InlineData("/nowhere")]
    [InlineData("/docs/")]
    public async Task Every_answer_tells_the_browser_how_little_it_may_do(string path)
    {
        await using var server = await ServerUnderTest.StartAsync();
        using var reply = await (await server.Client(role: null)).GetAsync(path, Cancel);

        string Header(string name) => Assert.Single(reply.Headers.GetValues(name));
        var policy = Header("Content-Security-Policy");
        var script = policy.Split("; ").Single(d => d.StartsWith("script-src", StringComparison.Ordinal));
        Assert.DoesNotContain("unsafe", script, StringComparison.Ordinal);
        Assert.StartsWith("default-src 'none';", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.Equal(("nosniff", "DENY", "no-referrer"), (Header("X-Content-Type-Options"), Header("X-Frame-Options"), Header("Referrer-Policy")));
        Assert.Contains("no-store", reply.Headers.CacheControl!.ToString(), StringComparison.Ordinal);
        if (path == "/docs/")
        {
            var nonce = script.Split("'nonce-")[1].TrimEnd('\'');
            Assert.Contains($"nonce=\"{nonce}\"", WebUtility.HtmlDecode(await reply.Content.ReadAsStringAsync(Cancel)), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Https_works_without_preparation_its_key_is_closed_to_others_and_cookies_are_secure()
    {
        await using var server = await ServerUnderTest.StartAsync(new Dictionary<string, string?> { ["Urls"] = "https://127.0.0.1:0" });
        await SignIn.SignInTests.AddAdministratorAsync(server);
        using var browser = new SignIn.Browser(server.Address);
        using var entered = await browser.SignInAsync("ada", "correct horse battery staple");

        Assert.True(browser.Session!.Secure);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(server.Folder, TrialCertificate.FileName)));
        }
    }

    [Theory]
    [InlineData("https", "otp.example.org", true)]
    [InlineData("https", "127.0.0.1", false)]
    [InlineData("http", "otp.example.org", false)]
    public async Task A_browser_is_told_to_come_by_TLS_alone_for_a_year_unless_the_name_is_this_machines(string scheme, string host, bool told)
    {
        await using var server = await ServerUnderTest.StartAsync(new Dictionary<string, string?> { ["Urls"] = $"{scheme}://127.0.0.1:0" });
        using var browser = new SignIn.Browser(server.Address);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/sign-in") { Headers = { Host = host } };
        using var reply = await browser.Client.SendAsync(request, Cancel);

        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        Assert.Equal(told, reply.Headers.TryGetValues("Strict-Transport-Security", out var values) && values.Single() == "max-age=31536000");
    }

    [Theory]
    [InlineData("http://127.0.0.1:0", null, false)]
    [InlineData("http://[::1]:0", null, false)]
    [InlineData("http://0.0.0.0:0", null, true)]
    [InlineData("https://0.0.0.0:0", null, false)]
    [InlineData("http://0.0.0.0:0", "10.0.0.0/8", false)]
    public async Task Who_listens_beyond_this_machine_without_TLS_is_warned(string url, string? proxies, bool warned)
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-test-");
        await using var app = OathHost.Build(
        [
            new("Urls", url), new("Data:Folder", folder.FullName), new("Logging:LogLevel:Default", "Critical"),
            .. proxies is null ? [] : (KeyValuePair<string, string?>[])[new("Proxy:Networks:0", proxies)],
        ]);
        await OathHost.StartAsync(app, Cancel);

        Assert.Equal(warned, Transport.Unprotected(app).Any());
        await app.StopAsync(Cancel);
        folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData(null, "127.0.0.1")]
    [InlineData("127.0.0.0/8", "203.0.113.9")]
    [InlineData("10.0.0.0/8", "127.0.0.1")]
    public async Task A_forwarded_address_is_believed_from_the_proxies_named_only(string? proxies, string expected)
    {
        await using var server = await ServerUnderTest.StartAsync(proxies is null ? null : new Dictionary<string, string?> { ["Proxy:Networks:0"] = proxies });
        var client = await server.Client();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/api-keys") { Content = JsonContent.Create(new { name = "vpn", role = "relying-party" }) };
        request.Headers.Add("X-Forwarded-For", "198.51.100.1, 203.0.113.9");
        using var reply = await client.SendAsync(request, Cancel);

        Assert.Equal(expected, await server.WithDatabase(db => Task.FromResult(db.Audit.OrderByDescending(e => e.Sequence).First().Origin)));
    }

    [Fact]
    public async Task A_key_bound_to_a_certificate_works_with_that_certificate_alone()
    {
        await using var server = await ServerUnderTest.StartAsync(new Dictionary<string, string?> { ["Urls"] = "https://127.0.0.1:0", ["Https:ClientCertificates"] = "true" });
        using var own = Certificate("CN=vpn");
        using var other = Certificate("CN=vpn");
        using var administrator = Client(server, await server.CreateKeyAsync("admin", Roles.Administrator), certificate: null);
        using var made = await administrator.PostAsJsonAsync(
            "/v1/api-keys", new { name = "vpn", role = "relying-party", clientCertificate = own.GetCertHashString(HashAlgorithmName.SHA256) }, Cancel);
        Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        var key = (await made.Content.ReadFromJsonAsync<ApiKeyReply>(Cancel))!.Key;

        foreach (var (certificate, expected) in ((X509Certificate2?, HttpStatusCode)[])[(own, HttpStatusCode.OK), (other, HttpStatusCode.Unauthorized), (null, HttpStatusCode.Unauthorized), (own, HttpStatusCode.OK)])
        {
            using var client = Client(server, key, certificate);
            using var reply = await client.PostAsJsonAsync("/v1/validate", new { serial = "none", code = "000000" }, Cancel);
            Assert.Equal(expected, reply.StatusCode);
        }
    }

    [Fact]
    public async Task The_command_line_binds_a_key_to_a_certificate_by_its_file_or_its_fingerprint()
    {
        await using var server = await ServerUnderTest.StartAsync();
        using var own = Certificate("CN=vpn");
        var (file, fingerprint) = (Path.Combine(server.Folder, "vpn.pem"), own.GetCertHashString(HashAlgorithmName.SHA256));
        await File.WriteAllTextAsync(file, own.ExportCertificatePem(), Cancel);
        string[] create = ["apikey", "create", "--role", Roles.RelyingParty, "--client-certificate"];

        var byFile = await Import.CommandLine.OathServerInAsync(server.Folder, [.. create, file, "--name", "one"]);
        var byFingerprint = await Import.CommandLine.OathServerInAsync(server.Folder, [.. create, string.Join(':', fingerprint.ToLowerInvariant().Chunk(2).Select(c => new string(c))), "--name", "two"]);
        var neither = await Import.CommandLine.OathServerInAsync(server.Folder, [.. create, "vpn", "--name", "three"]);

        Assert.Equal((0, 0, 2), (byFile.Exit, byFingerprint.Exit, neither.Exit));
        Assert.Contains("neither a file nor a SHA-256", neither.Errors, StringComparison.Ordinal);
        Assert.Equal([fingerprint, fingerprint], await server.WithDatabase(db => Task.FromResult(db.ApiKeys.OrderBy(k => k.Name).Select(k => k.ClientCertificate).ToArray())));
    }

    private static HttpClient Client(ServerUnderTest server, string key, X509Certificate2? certificate)
    {
        var handler = new HttpClientHandler { ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator };
        if (certificate is not null)
        {
            handler.ClientCertificates.Add(certificate);
        }

        return new HttpClient(handler) { BaseAddress = server.Address, DefaultRequestHeaders = { { ApiKeyAuthentication.Header, key } } };
    }

    private static X509Certificate2 Certificate(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var made = new CertificateRequest(name, key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), password: null);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
