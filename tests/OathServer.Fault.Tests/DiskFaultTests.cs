using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using OathServer.Access;
using OathServer.Fault.Tests.Disk;
using OathServer.Tests;

namespace OathServer.Fault.Tests;

/// <summary>A disk that fails under a real server: refused with 503, nothing accepted, nothing counted, and all well again
/// when the disk is.</summary>
public class DiskFaultTests
{
    private const string Serial = "D1";

    /// <summary>More calls than a commit makes; the walk ends at the first request that no fault hit.</summary>
    private const int CallsMax = 60;

    [Theory]
    [InlineData(FaultyDisk.InputOutput, false)]
    [InlineData(FaultyDisk.InputOutput, true)]
    [InlineData(FaultyDisk.NoSpace, false)]
    [InlineData(FaultyDisk.NoSpace, true)]
    public async Task Each_write_of_a_validation_may_fail_and_neither_accepts_nor_counts(int error, bool half)
    {
        await using var at = await FaultyServer.StartAsync(Serial);
        var next = 0L;
        var faults = 0;
        foreach (var right in (bool[])[true, false])
        {
            var clean = false;
            for (var n = 1; n <= CallsMax && !clean; n++)
            {
                var before = await at.StandingAsync(Serial);
                var failed = at.Disk.Failed;
                at.Disk.FailAt(n, error, half);
                var code = right ? Codes.Hotp(Codes.Secret, next) : Wrong(next);
                var (status, accepted) = await at.ValidateAsync(Serial, code);
                at.Disk.Heal();
                if (clean = at.Disk.Failed == failed)
                {
                    Assert.Equal((HttpStatusCode.OK, right), (status, accepted));
                    continue;
                }

                faults++;
                if (status == HttpStatusCode.OK)
                {
                    // The reserve was given up and the commit made again, or the fault hit the checkpoint beside it.
                    Assert.Equal(right, accepted);
                    next += right ? 1 : 0;
                    continue;
                }

                Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
                Assert.Equal(before, await at.StandingAsync(Serial));
                Assert.Equal((HttpStatusCode.OK, right), await at.ValidateAsync(Serial, code));
                next += right ? 1 : 0;
                if (!right)
                {
                    Assert.Equal(before with { Failures = before.Failures + 1 }, await at.StandingAsync(Serial));
                }
            }

            Assert.True(clean, $"still failing at call {CallsMax}");
            next += right ? 1 : 0;
        }

        Assert.True(faults >= 4, $"only {faults} faults were injected");
        Assert.DoesNotContain("Unhandled", at.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Under_load_on_a_disk_that_keeps_failing_every_code_is_accepted_at_most_once_and_none_is_lost()
    {
        const int Tokens = 8, Each = 150;
        await using var at = await FaultyServer.StartAsync([.. Enumerable.Range(0, Tokens).Select(t => $"D{t}")]);
        var ledger = new AcceptanceLedger();
        var refused = 0;
        at.Disk.FailEachOf(23, FaultyDisk.InputOutput, half: true);
        await Task.WhenAll(Enumerable.Range(0, Tokens).Select(async token =>
        {
            for (var counter = 0L; counter < Each;)
            {
                var (status, accepted) = await at.ValidateAsync($"D{token}", Codes.Hotp(Codes.Secret, counter));
                if (status == HttpStatusCode.ServiceUnavailable)
                {
                    Interlocked.Increment(ref refused);
                    continue;
                }

                // A refused code must still be good: nothing of a failed batch may hold.
                Assert.True(accepted, $"{status}: D{token} lost counter {counter}; {at.Log}");
                ledger.Accepted($"D{token}", counter++);
            }
        }));
        at.Disk.Heal();

        Assert.True(refused > 20, $"only {refused} requests were refused");
        Assert.Equal(Tokens * Each, ledger.Total);
        await at.KillAndStartAsync();
        for (var token = 0; token < Tokens; token++)
        {
            Assert.Equal(Each, (await at.StandingAsync($"D{token}")).Counter);
            Assert.Equal((HttpStatusCode.OK, false), await at.ValidateAsync($"D{token}", Codes.Hotp(Codes.Secret, Each - 1)));
        }
    }

    private static string Wrong(long counter)
    {
        var near = Enumerable.Range(-20, 60).Select(i => Codes.Hotp(Codes.Secret, Math.Max(0, counter + i))).ToHashSet();
        return Enumerable.Range(0, 1000).Select(n => n.ToString("D6", System.Globalization.CultureInfo.InvariantCulture)).First(c => !near.Contains(c));
    }
}

/// <summary>Where a token stands, as staff see it.</summary>
internal sealed record Standing(long Counter, int Failures);

/// <summary>A real server on a faulty disk, with tokens on it.</summary>
internal sealed class FaultyServer : IAsyncDisposable
{
    private static readonly KeyValuePair<string, string?>[] Patient =
        [new("Validation__FastFailures", "100"), new("Storage__ReserveMegabytes", "1")];

    private readonly string folder;
    private readonly string key;
    private ServerProcess server;
    private HttpClient client;

    private FaultyServer(string folder, string key, FaultyDisk disk, ServerProcess server)
    {
        this.folder = folder;
        this.key = key;
        this.server = server;
        Disk = disk;
        client = server.Client(key);
    }

    public FaultyDisk Disk { get; }

    public string Log => server.Log;

    public static async Task<FaultyServer> StartAsync(params string[] serials)
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-disk-").FullName;
        await using (var made = await ServerUnderTest.StartAsync(folder: folder))
        {
            foreach (var serial in serials)
            {
                await made.AddTokenAsync(serial, Codes.Secret);
            }
        }

        var key = await ServerProcess.CreateApiKeyAsync(folder, Roles.Administrator);
        var disk = new FaultyDisk(folder, mirrors: false);
        return new FaultyServer(folder, key, disk, await ServerProcess.StartAsync(folder, [.. Patient, .. disk.Environment]));
    }

    public async Task<(HttpStatusCode Status, bool Accepted)> ValidateAsync(string serial, string code)
    {
        using var reply = await client.PostAsJsonAsync("/v1/validate", new { serial, code }, Cancel);
        var body = await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        return (reply.StatusCode, body.TryGetProperty("accepted", out var accepted) && accepted.GetBoolean());
    }

    public async Task<Standing> StandingAsync(string serial)
    {
        var token = await client.GetFromJsonAsync<JsonElement>($"/v1/tokens/{serial}", Cancel);
        return new Standing(token.GetProperty("counter").GetInt64(), token.GetProperty("failures").GetInt32());
    }

    public async Task KillAndStartAsync()
    {
        await server.KillAsync();
        await DisposeServerAsync();
        server = await ServerProcess.StartAsync(folder, [.. Patient, .. Disk.Environment]);
        client = server.Client(key);
    }

    public async ValueTask DisposeAsync()
    {
        await DisposeServerAsync();
        Disk.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private async Task DisposeServerAsync()
    {
        client.Dispose();
        await server.DisposeAsync();
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
