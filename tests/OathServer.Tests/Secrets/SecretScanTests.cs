using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OathServer.Access;
using OathServer.Provisioning;
using OathServer.Secrets;
using OathServer.Storage;
using OathServer.Tests.Databases;
using OathServer.Tests.Monitoring;
using OathServer.Tests.SignIn;
using Pskc;
using SecurityKeys.Virtual;

namespace OathServer.Tests.Secrets;

/// <summary>After a run that used every kind of secret, none is in what the server wrote or said: database files with their
/// write-ahead log, log lines of all levels, metrics, traces, trail, statement, pages.</summary>
public sealed class SecretScanTests : IDisposable
{
    private const int Digits = 8;
    private const string SealingKeyFile = "sealing.key";

    private readonly SecretScan scan = new();
    private readonly LogLines log = new();
    private readonly List<string> found = [];
    private readonly byte[] seed = RandomNumberGenerator.GetBytes(20);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Nothing_the_server_leaves_behind_holds_a_secret(bool onPostgreSql)
    {
        await using var cluster = onPostgreSql ? await PostgreSqlServer.StartAsync() : null;
        await using var collector = await Collector.StartAsync();
        var folder = Directory.CreateTempSubdirectory("oathserver-test-").FullName;
        var server = await StartAsync(folder, cluster, collector.Address);
        var cuid = await UseEverySecretAsync(server);
        Assert.True(scan.Count >= 25, $"only {scan.Count} secrets were used");

        await ReadAllThatIsSaidAsync(server, cuid);
        found.AddRange(scan.InFolder(folder, p => IsSealingKey(p) || IsLock(p)));
        await StopAsync(server, cluster);
        found.AddRange(scan.InFolder(folder, IsSealingKey));
        if (cluster is not null)
        {
            found.AddRange(scan.InFolder(cluster.DataFolder));
        }

        // Stopping sends what is left: all there is to a collector.
        Assert.Contains(collector.Got, m => m.Path == "/v1/traces" && m.Body.Contains("/puk/reveal", StringComparison.Ordinal));
        Assert.Contains(collector.Got, m => m.Path == "/v1/metrics");
        found.AddRange(collector.Got.SelectMany(m => scan.In("OTLP " + m.Path, Encoding.Latin1.GetBytes(m.Body))));
        Assert.True(log.All.Count > 1000, $"only {log.All.Count} lines were logged: not all levels");
        found.AddRange(log.All.SelectMany(line => scan.In("log: " + line[..Math.Min(line.Length, 200)], line)));
        Assert.Equal([], found);
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_secret_that_somebody_wrote_into_a_note_is_found_in_the_files(bool onPostgreSql)
    {
        await using var cluster = onPostgreSql ? await PostgreSqlServer.StartAsync() : null;
        var folder = Directory.CreateTempSubdirectory("oathserver-test-").FullName;
        var server = await StartAsync(folder, cluster);
        var client = await server.Client();
        var cuid = await ProvisionAsync(server, client, "default", "A1", 70001);
        var puk = await RevealAsync(client, cuid, "puk");
        scan.Add("PUK", puk);
        using var noted = await client.PatchAsJsonAsync($"/v1/records/{cuid}", new { notes = $"PUK is {puk}" }, Cancel);
        Assert.Equal(HttpStatusCode.OK, noted.StatusCode);

        var before = scan.InFolder(cluster?.DataFolder ?? folder, p => IsSealingKey(p) || IsLock(p)).ToList();
        await StopAsync(server, cluster);

        Assert.NotEmpty(before);
        Assert.NotEmpty(scan.InFolder(cluster?.DataFolder ?? folder, IsSealingKey));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void A_secret_is_found_in_every_form_wherever_it_begins()
    {
        scan.Add("seed", seed);
        scan.Add("code", "00412873");
        string[] forms =
        [
            Convert.ToHexString(seed), Convert.ToHexStringLower(seed), BitConverter.ToString(seed), OtpNet.Base32Encoding.ToString(seed),
            .. Enumerable.Range(0, 4).Select(before => Convert.ToBase64String([.. RandomNumberGenerator.GetBytes(before), .. seed, .. RandomNumberGenerator.GetBytes(before)])),
            .. Enumerable.Range(0, 3).Select(before => System.Buffers.Text.Base64Url.EncodeToString([.. RandomNumberGenerator.GetBytes(before), .. seed])),
            "code=00412873,", "00412873",
        ];

        Assert.All(forms, form => Assert.NotEmpty(scan.In("text", $"before {form} after")));
        Assert.NotEmpty(scan.In("bytes", [1, 2, .. seed, 3]));
        Assert.NotEmpty(scan.In("UTF-16", Encoding.Unicode.GetBytes("code 00412873.")));
        Assert.Empty(scan.In("a longer number", "1004128730 0.00412873 a00412873f"));
        Assert.Empty(scan.In("nothing", "nothing at all"));
        new LoggerFactory([log]).CreateLogger("x").LogTrace("{Code} {Other}", "none", Convert.ToBase64String(seed));
        Assert.NotEmpty(scan.In("log", Assert.Single(log.All)));
    }

    public void Dispose() => log.Dispose();

    private Task<ServerUnderTest> StartAsync(string folder, PostgreSqlServer? cluster, string? collector = null) =>
        StartAsync(folder, cluster is null ? null : cluster.CreateDatabaseAsync(), collector);

    private async Task<ServerUnderTest> StartAsync(string folder, Task<string>? database, string? collector)
    {
        var settings = new Dictionary<string, string?>
        {
            ["Logging:LogLevel:Default"] = "Trace",
            ["Logging:LogLevel:Microsoft.AspNetCore"] = "Trace",
            ["Logging:LogLevel:Microsoft.EntityFrameworkCore"] = "Trace",
            ["Logging:Console:LogLevel:Default"] = "None",
            ["Interop:PrivacyIdea"] = "true",
            ["Journal:File"] = Path.Combine(folder, "journal.jsonl"),
        };
        if (collector is not null)
        {
            settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector;
            settings["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf";
        }

        if (database is not null)
        {
            settings["Storage:Provider"] = "PostgreSql";
            settings["ConnectionStrings:Oath"] = await database;
        }

        return await ServerUnderTest.StartAsync(settings, folder, replace: services => services.AddSingleton<ILoggerProvider>(log));
    }

    private static async Task StopAsync(ServerUnderTest server, PostgreSqlServer? cluster)
    {
        await server.StopAsync();
        if (cluster is not null)
        {
            // Killed, so that its write-ahead log is all there.
            await cluster.KillAsync();
        }
    }

    /// <summary>Everything that has a secret in it, right and wrong; the CUID of a key that was provisioned.</summary>
    private async Task<string> UseEverySecretAsync(ServerUnderTest server)
    {
        var administrator = await server.CreateKeyAsync("scanned", Roles.Administrator);
        scan.Add("API key", administrator);
        using var client = new HttpClient { BaseAddress = server.Address };
        client.DefaultRequestHeaders.Add(ApiKeyAuthentication.Header, administrator);
        await ImportAsync(client);
        await ValidateAsync(server, client);
        var cuid = await ProvisionAsync(server, client, "random-puk", "A1", 70001);
        var derived = await ProvisionAsync(server, client, "derived-puk", "A2", 70002);
        scan.Add("revealed PUK", await RevealAsync(client, cuid, "puk"));
        scan.Add("revealed derived PUK", await RevealAsync(client, derived, "puk"));
        scan.Add("revealed PIN", await RevealAsync(client, cuid, "pin"));
        await StaffAsync(server);
        scan.Add("rotated API key", await TextAsync(client, "/v1/api-keys/scanned-2/rotate", new { overlapHours = 1 }, "key", new { name = "scanned-2", role = "relying-party" }));
        scan.Add("webhook secret", await TextAsync(client, "/v1/webhooks", new { name = "hook", url = "https://127.0.0.1:9/", actions = (string[])["token.*"] }, "secret"));
        scan.Add("enrolment code", await TextAsync(client, "/v1/agents", new { name = "desk" }, "code"));
        using var exported = await client.PostAsJsonAsync("/v1/exports", new { reason = "secret scan", all = true, passphrase = Remember("export passphrase") }, Cancel);
        Assert.Equal(HttpStatusCode.OK, exported.StatusCode);
        await server.WithDatabase(async db =>
        {
            var own = server.Services.GetRequiredService<ServerSecrets>();
            foreach (var purpose in (string[])[ServerSecrets.AuditChain, ServerSecrets.ApiKeyHash, ServerSecrets.PukMaster])
            {
                scan.Add(purpose, (await own.CurrentAsync(db, purpose, Cancel)).Value);
            }

            return 0;
        });
        scan.Add("sealing key", Convert.FromHexString((await File.ReadAllTextAsync(Path.Combine(server.Folder, SealingKeyFile), Cancel)).Trim()));
        return cuid;
    }

    private async Task ImportAsync(HttpClient client)
    {
        var path = Path.Combine(Path.GetTempPath(), $"oathserver-scan-{Guid.NewGuid():N}.pskcxml");
        var passphrase = Remember("import passphrase");
        using (var protection = ContainerProtection.Passphrase(passphrase, iterations: 1000))
        {
            PskcWriter.WriteFile(path, new PskcWriteOptions { Protection = protection }, Enumerable.Range(0, 3).Select(n => new KeyPackage
            {
                SerialNo = $"A{n}",
                Keys = [new Key { Id = "k", Algorithm = KeyAlgorithm.Hotp, Secret = Seed(n), Counter = 0, ResponseFormat = new ResponseFormat(ValueEncoding.Decimal, Digits) }],
            }));
        }

        var file = await File.ReadAllBytesAsync(path, Cancel);
        File.Delete(path);
        foreach (var (word, expected) in (ReadOnlySpan<(string, HttpStatusCode)>)[(Remember("wrong passphrase"), HttpStatusCode.UnprocessableEntity), (passphrase, HttpStatusCode.Created)])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/imports") { Content = new ByteArrayContent(file) };
            request.Headers.Add("X-PSKC-Passphrase", word);
            using var reply = client.Send(request, Cancel);
            Assert.Equal(expected, reply.StatusCode);
        }
    }

    private byte[] Seed(int number)
    {
        var secret = number == 0 ? seed : RandomNumberGenerator.GetBytes(20);
        scan.Add($"seed of A{number}", secret);
        return secret;
    }

    private async Task ValidateAsync(ServerUnderTest server, HttpClient client)
    {
        using var assigned = await client.PutAsJsonAsync("/v1/tokens/A0/user", new { user = "alice" }, Cancel);
        Assert.True(assigned.IsSuccessStatusCode);
        string[] codes = [Code(0), Code(1), Code(2), Code(3)];
        var wrong = (ulong.Parse(Code(900), System.Globalization.CultureInfo.InvariantCulture) + 1).ToString("D8", System.Globalization.CultureInfo.InvariantCulture);
        scan.Add("wrong code", wrong);
        object[] bodies =
        [
            new { serial = "A0", code = codes[0] }, new { serial = "A0", code = codes[0] }, new { user = "alice", code = codes[1] }, new { user = "nobody", code = wrong },
            new { serial = "none", code = wrong }, new { serial = "A0", code = wrong }, new { serial = "A0", code = codes[2] + " " }, new { serial = "A0", kode = codes[2] },
            new { serial = "A0", code = $"+{codes[2]}" },
        ];
        foreach (var body in bodies)
        {
            using var reply = await client.PostAsJsonAsync("/v1/validate", body, Cancel);
            Look("validate", await reply.Content.ReadAsStringAsync(Cancel));
        }

        using var broken = await client.PostAsync("/v1/validate", new StringContent($"{{\"serial\":\"A0\",\"code\":\"{codes[2]}\",", Encoding.UTF8, "application/json"), Cancel);
        Look("broken", await broken.Content.ReadAsStringAsync(Cancel));
        using var resync = await client.PostAsJsonAsync("/v1/tokens/A0/resync", new { codes = (string[])[codes[2], codes[3]] }, Cancel);
        Assert.Equal(HttpStatusCode.OK, resync.StatusCode);
        using var facade = await client.PostAsync("/validate/check", new FormUrlEncodedContent([new("user", "alice"), new("pass", Code(4))]), Cancel);
        Assert.Contains("\"value\":true", (await facade.Content.ReadAsStringAsync(Cancel)).Replace(" ", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Equal(5, (await server.CounterAsync("A0")).Counter);
        await PinAsync(server, client);
    }

    /// <summary>A PIN that was set, one that came with a token, and one typed wrong, each before a code.</summary>
    private async Task PinAsync(ServerUnderTest server, HttpClient client)
    {
        var (pin, carried, wrong) = (Remember("token PIN"), Remember("carried PIN"), Remember("wrong token PIN"));
        using var policy = await client.PutAsJsonAsync("/v1/realms/default/policy", new { pin = "before-code" }, Cancel);
        using var set = await client.PutAsJsonAsync("/v1/tokens/A0/pin", new { pin, reason = "secret scan" }, Cancel);
        Assert.True(policy.IsSuccessStatusCode && set.IsSuccessStatusCode);
        using var imported = await client.PostAsync(
            "/v1/imports?from=pam-oath", new StringContent($"HOTP pinned {carried} {Convert.ToHexString(Seed(17))} 0\n", Encoding.UTF8, "text/plain"), Cancel);
        Assert.Equal(HttpStatusCode.Created, imported.StatusCode);
        foreach (var (user, typed) in (ReadOnlySpan<(string, string)>)[("alice", wrong + Code(5)), ("alice", pin + Code(5)), ("pinned", carried + "000000"), ("nobody", pin + Code(6))])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/validate") { Content = JsonContent.Create(new { user, code = typed }) };
            using var reply = client.Send(request, Cancel);
            Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        }

        Assert.Equal(6, (await server.CounterAsync("A0")).Counter);
        using var rest = await client.PutAsJsonAsync("/v1/realms/default/policy", new { pin = "none" }, Cancel);
        Assert.True(rest.IsSuccessStatusCode);
    }

    private string Code(int counter)
    {
        var code = Codes.Hotp(seed, counter, Digits);
        scan.Add($"code {counter}", code);
        return code;
    }

    private async Task<string> ProvisionAsync(ServerUnderTest server, HttpClient client, string profile, string serial, uint device)
    {
        if (profile != "default")
        {
            using var made = await client.PutAsJsonAsync($"/v1/profiles/{profile}", new { version = 0, decisions = new { puk = new { strategy = profile.Split('-')[0] }, pin = new { digits = Digits } } }, Cancel);
            Assert.True(made.IsSuccessStatusCode, await made.Content.ReadAsStringAsync(Cancel));
        }
        else
        {
            await server.AddTokenAsync(serial, Codes.Secret, state: TokenState.Imported);
        }

        var key = new VirtualKey(new VirtualKeyOptions { Serial = device });
        server.Services.GetRequiredService<KeyReaders>().Plug($"desk {device}", KeyReaders.VirtualKind, key.Connect);
        using var reply = await client.PostAsJsonAsync("/v1/provisioning", new { reader = $"desk {device}", serial, user = $"user {device}", profile }, Cancel);
        var job = await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        Assert.True(job.TryGetProperty("state", out var state) && state.GetString() == "confirmed", job.ToString());
        Look("job", job.ToString());
        var held = key.Peek().Piv;
        scan.Add($"PUK of {device}", Encoding.ASCII.GetString(held.Puk));
        scan.Add($"management key of {device}", held.ManagementKey);
        if (profile != "default")
        {
            scan.Add($"PIN of {device}", Encoding.ASCII.GetString(held.Pin));
            scan.Add($"first code of {serial}", Codes.Hotp(key.Peek().Oath[0].Secret, 0, Digits));
        }

        return job.GetProperty("cuid").GetString()!;
    }

    private static async Task<string> RevealAsync(HttpClient client, string cuid, string what)
    {
        using var reply = await client.PostAsJsonAsync($"/v1/records/{cuid}/{what}/reveal", new { reason = "secret scan" }, Cancel);
        return (await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty(what).GetString()!;
    }

    private async Task StaffAsync(ServerUnderTest server)
    {
        var link = (await server.WithDatabase(db => server.Services.GetRequiredService<StaffLinks>().FirstAdministratorAsync(db, Cancel)))!;
        scan.Add("link", link.Split("token=")[1]);
        var password = Remember("password");
        using var browser = new Browser(server.Address);
        using var made = await browser.SetUpAsync(link, password, "ada");
        Assert.Equal(HttpStatusCode.Redirect, made.StatusCode);
        using var refused = await browser.SignInAsync("ada", Remember("wrong password"));
        using var entered = await browser.SignInAsync("ada", password);
        Assert.Equal("/", entered.Headers.Location?.OriginalString);
        scan.Add("session", browser.Session!.Value);
        Look("console", await browser.ReadAsync("/"));
    }

    /// <summary>What the server tells those who may read everything.</summary>
    private async Task ReadAllThatIsSaidAsync(ServerUnderTest server, string cuid)
    {
        var client = await server.Client();
        foreach (var path in (string[])[
            "/metrics", "/health/ready", "/openapi/v1.json", "/v1/audit?limit=500", "/v1/readiness", "/v1/tokens", "/v1/tokens/A0", "/v1/records?search=user", $"/v1/records/{cuid}",
            $"/v1/records/{cuid}/statement", $"/v1/records/{cuid}/handout", "/v1/provisioning", "/v1/imports", "/v1/webhooks", "/v1/api-keys", "/v1/staff", "/v1/agents", "/v1/puk-master",
            .. (string[])["jsonl", "cef", "syslog"] is var forms ? forms.SelectMany(f => (string[])[$"/v1/audit/export?format={f}", $"/v1/audit/export?format={f}&validations=true"]) : []])
        {
            using var reply = await client.GetAsync(path, Cancel);
            Assert.True(reply.IsSuccessStatusCode, $"{path}: {reply.StatusCode}");
            var said = await reply.Content.ReadAsStringAsync(Cancel);
            Assert.NotEmpty(said);
            Look(path, said);
        }
    }

    private void Look(string place, string text) => found.AddRange(scan.In(place, text));

    private string Remember(string name)
    {
        var secret = RandomNumberGenerator.GetHexString(24, lowercase: true);
        scan.Add(name, secret);
        return secret;
    }

    private static async Task<string> TextAsync(HttpClient client, string path, object body, string member, object? first = null)
    {
        if (first is not null)
        {
            using var made = await client.PostAsJsonAsync("/v1/api-keys", first, Cancel);
            Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        }

        using var reply = await client.PostAsJsonAsync(path, body, Cancel);
        var told = await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        Assert.True(reply.IsSuccessStatusCode, told.ToString());
        return told.GetProperty(member).GetString()!;
    }

    private static bool IsSealingKey(string path) => Path.GetFileName(path) == SealingKeyFile;

    /// <summary>A running server lets nobody open it.</summary>
    private static bool IsLock(string path) => Path.GetFileName(path) == "owner.lock";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
