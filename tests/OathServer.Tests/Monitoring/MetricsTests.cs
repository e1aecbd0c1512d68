using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using OathServer.Access;

namespace OathServer.Tests.Monitoring;

/// <summary>What a real server process tells Prometheus. In a process of its own, as meters are shared inside one.</summary>
public partial class MetricsTests
{
    private const string Serial = "MARKER-SERIAL-1";
    private const string User = "zaphod.marker";

    /// <summary>Every label there is. One more is looked at by a person first: can it hold a name or a secret?</summary>
    private static readonly string[] KnownLabels =
    [
        "aspnetcore_routing_match_status", "error_type", "gc_heap_generation", "http_request_method", "http_response_status_code", "http_route", "le",
        "network_protocol_version", "network_transport", "network_type", "cpu_mode", "otel_scope_name", "outcome", "server_address",
        "server_port", "service_instance_id", "service_name", "service_version", "state", "telemetry_sdk_language",
        "telemetry_sdk_name", "telemetry_sdk_version", "url_scheme",
    ];

    [Fact]
    public async Task The_metrics_tell_what_happened_and_name_nobody()
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-metrics-").FullName;
        string adminKey, monitorKey;
        await using (var prepare = await ServerUnderTest.StartAsync(folder: folder))
        {
            adminKey = await prepare.CreateKeyAsync("admin", Roles.Administrator);
            monitorKey = await prepare.CreateKeyAsync("prometheus", Roles.Monitor);
            await prepare.AddTokenAsync(Serial, Codes.Secret, user: User);
            await prepare.AddTokenAsync("MARKER-SERIAL-2", Codes.Secret);
        }

        await using var server = await ServerProcess.StartAsync(folder, [new("Validation__FastFailures", "3"), new("Monitoring__SampleSeconds", "1")]);
        using var client = server.Client(adminKey);
        Assert.True(await AcceptsAsync(client, new { user = User, code = Codes.Hotp(Codes.Secret, 4) }));
        Assert.False(await AcceptsAsync(client, new { user = User, code = Codes.Hotp(Codes.Secret, 4) }));
        Assert.False(await AcceptsAsync(client, new { user = User, code = "000000" }));
        Assert.False(await AcceptsAsync(client, new { user = User, code = "000001" }));
        Assert.False(await AcceptsAsync(client, new { user = User, code = "000002" }));
        Assert.False(await AcceptsAsync(client, new { user = "nobody.marker", code = "000000" }));
        (await client.GetAsync($"/v1/tokens/{Serial}", Cancel)).EnsureSuccessStatusCode().Dispose();

        using var prometheus = new HttpClient { BaseAddress = server.Address };
        prometheus.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", monitorKey);
        var text = await ScrapeAsync(prometheus, "oathserver_tokens{");
        Assert.Equal(1, Value(text, "oathserver_validations_total", "outcome=\"accepted\""));
        Assert.Equal(1, Value(text, "oathserver_validations_total", "outcome=\"replayed\""));
        Assert.Equal(2, Value(text, "oathserver_validations_total", "outcome=\"wrong-code\""));
        Assert.Equal(1, Value(text, "oathserver_validations_total", "outcome=\"throttled\""));
        Assert.Equal(1, Value(text, "oathserver_validations_total", "outcome=\"unknown-user\""));
        Assert.Equal(4, Value(text, "oathserver_drift_total"));
        Assert.InRange(Value(text, "oathserver_commit_size_sum"), 6, 12);
        Assert.Equal(2, Value(text, "oathserver_tokens", "state=\"active\""));
        Assert.Equal(1, Value(text, "oathserver_audit_intact"));
        Assert.Equal(0, Value(text, "oathserver_storage_refusing"));
        Assert.True(Value(text, "oathserver_disk_free_bytes") > 0);
        Assert.Equal(6, Value(text, "http_server_request_duration_seconds_count", "/v1/validate"));

        foreach (var secret in (string[])["MARKER", "zaphod", "marker", adminKey, monitorKey, $"\"{Codes.Hotp(Codes.Secret, 4)}\"", "\"000000\"", Convert.ToHexString(Codes.Secret), folder])
        {
            Assert.DoesNotContain(secret, text, StringComparison.OrdinalIgnoreCase);
        }

        var labels = Label().Matches(text).Select(m => m.Groups[1].Value).Distinct(StringComparer.Ordinal).ToList();
        Assert.Empty(labels.Except(KnownLabels, StringComparer.Ordinal));
        Assert.True(labels.Count > 10, "labels were not found in the text");
        await WhatIsAlarmedOnIsThereAsync(text);
        await server.KillAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_change_in_the_trail_shows_in_the_metrics()
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-metrics-").FullName;
        string monitorKey;
        await using (var prepare = await ServerUnderTest.StartAsync(folder: folder))
        {
            monitorKey = await prepare.CreateKeyAsync("prometheus", Roles.Monitor);
            await prepare.CreateKeyAsync("another", Roles.Auditor);
        }

        using (var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={folder}/oath.db;Pooling=False"))
        {
            await connection.OpenAsync(Cancel);
            using var edit = connection.CreateCommand();
            edit.CommandText = "UPDATE audit SET \"Actor\" = 'somebody else' WHERE \"Sequence\" = 1";
            Assert.Equal(1, await edit.ExecuteNonQueryAsync(Cancel));
        }

        await using (var server = await ServerProcess.StartAsync(folder))
        {
            using var prometheus = new HttpClient { BaseAddress = server.Address };
            prometheus.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", monitorKey);
            Assert.Equal(0, Value(await ScrapeAsync(prometheus, "oathserver_audit_intact{"), "oathserver_audit_intact"));
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task The_alerts_fire_on_trouble_and_only_then()
    {
        const string Promtool = "/usr/bin/promtool";
        var folder = Path.Combine(Tidy.SourceTree.Root, "samples/monitoring");
        var output = await Import.CommandLine.PeerAsync(Promtool, "test", "rules", Path.Combine(folder, "alerts_test.yml"));
        Assert.Contains("SUCCESS", output, StringComparison.Ordinal);
        output = await Import.CommandLine.PeerAsync(Promtool, "check", "rules", Path.Combine(folder, "alerts.yml"));
        Assert.Contains("SUCCESS", output, StringComparison.Ordinal);
    }

    /// <summary>Every metric an alert or the dashboard asks for is one the server has: none is misspelt.</summary>
    private static async Task WhatIsAlarmedOnIsThereAsync(string text)
    {
        var folder = Path.Combine(Tidy.SourceTree.Root, "samples/monitoring");
        var asked = new List<string>();
        foreach (var file in (string[])["alerts.yml", "grafana-dashboard.json"])
        {
            asked.AddRange(Name().Matches(await File.ReadAllTextAsync(Path.Combine(folder, file), Cancel)).Select(m => m.Value));
        }

        Assert.True(asked.Distinct().Count() > 12, string.Join(' ', asked));
        Assert.All(asked, name => Assert.Contains($"\n{name}{{", text, StringComparison.Ordinal));
    }

    private static async Task<bool> AcceptsAsync(HttpClient client, object request)
    {
        using var reply = await client.PostAsJsonAsync("/v1/validate", request, Cancel);
        return (await reply.EnsureSuccessStatusCode().Content.ReadAsStringAsync(Cancel)).Contains("true", StringComparison.Ordinal);
    }

    /// <summary>The figures of the background are there a moment after the start.</summary>
    private static async Task<string> ScrapeAsync(HttpClient prometheus, string awaited)
    {
        for (var looks = 0; ; looks++)
        {
            using var reply = await prometheus.GetAsync("/metrics", Cancel);
            Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
            var text = await reply.Content.ReadAsStringAsync(Cancel);
            if (text.Contains(awaited, StringComparison.Ordinal))
            {
                return text;
            }

            Assert.True(looks < 600, $"{awaited} did not appear");
            await Task.Delay(50, Cancel);
        }
    }

    private static double Value(string text, string name, string label = "") => double.Parse(
        text.Split('\n').Single(line => line.StartsWith(name + "{", StringComparison.Ordinal) && line.Contains(label, StringComparison.Ordinal)).Split(' ')[^1],
        CultureInfo.InvariantCulture);

    [GeneratedRegex("[{,]([a-z_]+)=\"")]
    private static partial Regex Label();

    [GeneratedRegex(@"\b(oathserver|http_server|dotnet_process)_[a-z_]+[a-z]\b")]
    private static partial Regex Name();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
