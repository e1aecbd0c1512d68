using OathServer.Access;

namespace OathServer.Tests.Monitoring;

/// <summary>What a real server process sends to a collector that speaks OTLP over HTTP.</summary>
public class TraceTests
{
    [Fact]
    public async Task A_collector_gets_traces_and_metrics_that_name_nobody()
    {
        await using var collector = await Collector.StartAsync();
        var got = collector.Got;
        var folder = Directory.CreateTempSubdirectory("oathserver-traces-").FullName;
        string key;
        await using (var prepare = await ServerUnderTest.StartAsync(folder: folder))
        {
            key = await prepare.CreateKeyAsync("admin", Roles.Administrator);
        }

        await using (var server = await ServerProcess.StartAsync(folder,
            [
                new("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Address), new("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
                new("OTEL_BSP_SCHEDULE_DELAY", "100"), new("OTEL_METRIC_EXPORT_INTERVAL", "100"),
            ]))
        {
            using var client = server.Client(key);
            using var token = await client.GetAsync("/v1/tokens/MARKER-SERIAL?user=zaphod.marker", Cancel);
            using var records = await client.GetAsync("/v1/records?search=zaphod.marker", Cancel);
            for (var looks = 0; !(Seen("/v1/traces", "/v1/tokens/{serial}") && Seen("/v1/traces", "/v1/records") && Seen("/v1/metrics", "oathserver.validations")); looks++)
            {
                Assert.True(looks < 600, $"the collector got {got.Count} messages");
                await Task.Delay(50, Cancel);
            }
        }

        Assert.All(got, message =>
        {
            Assert.DoesNotContain("marker", message.Body, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain(key, message.Body, StringComparison.Ordinal);
        });
        Directory.Delete(folder, recursive: true);

        bool Seen(string path, string text) => got.Any(m => m.Path == path && m.Body.Contains(text, StringComparison.Ordinal));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
