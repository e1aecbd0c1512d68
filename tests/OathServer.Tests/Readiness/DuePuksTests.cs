using System.Net;
using System.Net.Http.Json;
using OathServer.Provisioning.Puk;
using OathServer.Storage;

namespace OathServer.Tests.Readiness;

public class DuePuksTests
{
    private static readonly DateTimeOffset Now = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task What_is_due_is_found_page_by_page_by_the_date_of_each_profile()
    {
        await using var server = await ServerUnderTest.StartAsync(time: new Clock(Now));
        var client = await server.Client();
        foreach (var (profile, days) in new[] { ("short", 10), ("long", 300), ("also-long", 300) })
        {
            using var made = await client.PutAsJsonAsync($"/v1/profiles/{profile}", new { version = 0, decisions = new { puk = new { strategy = "batch", rotateAfterDays = days } } }, Cancel);
            Assert.True(made.IsSuccessStatusCode, await made.Content.ReadAsStringAsync(Cancel));
        }

        await server.WithDatabase(async db =>
        {
            db.ServerSecrets.AddRange(new[] { 1, 2 }.Select(v => new ServerSecret { Purpose = "puk-master", Version = v, SealedValue = [1], CreatedAt = Now }));
            db.Records.AddRange(
                Record(1, PukMethod.Batch, "short", days: 11), Record(2, PukMethod.Batch, "long", days: 11), Record(3, PukMethod.Batch, "also-long", days: 301),
                Record(4, PukMethod.Batch, "forgotten", days: 100_0), Record(5, PukMethod.Derived, "short", days: 1, master: 1),
                Record(6, PukMethod.Derived, "short", days: 1, master: 2), Record(7, PukMethod.Random, "short", days: 1, seen: true),
                Record(8, PukMethod.Batch, "short", days: 11, seen: true), Record(9, PukMethod.Batch, "short", days: 11, status: KeyStatus.Lost),
                Record(10, PukMethod.Random, "short", days: 999));
            return await db.SaveChangesAsync(Cancel);
        });

        var all = (await client.GetFromJsonAsync<List<DuePuk>>("/v1/puks/due", Cancel))!;
        var first = (await client.GetFromJsonAsync<List<DuePuk>>("/v1/puks/due?max=2", Cancel))!;
        var rest = (await client.GetFromJsonAsync<List<DuePuk>>($"/v1/puks/due?after={first[^1].Cuid}", Cancel))!;
        var readiness = await client.GetStringAsync("/v1/readiness?profile=short", Cancel);
        using var many = await client.GetAsync("/v1/puks/due?max=1001", Cancel);

        Assert.Equal(
            ["01 batch-due", "03 batch-due", "04 batch-due", "05 old-master", "07 known-to-person", "08 known-to-person"], all.Select(d => $"{d.Cuid[^2..]} {d.Why}"));
        Assert.Equal(all, [.. first, .. rest]);
        Assert.Equal(2, first.Count);
        Assert.Equal(4, readiness.Split("\"why\"").Length - 1);
        Assert.Equal(HttpStatusCode.BadRequest, many.StatusCode);
        var page = await client.GetStringAsync("/keys.csv?puk=due", Cancel);
        Assert.Equal(1 + all.Count, page.Trim().Split('\n').Length);
    }

    private static KeyRecord Record(
        int n, PukMethod method, string profile, int days, int master = 0, bool seen = false, KeyStatus status = KeyStatus.HandedOut) => new()
        {
            Cuid = $"000000{n:D2}",
            CuidSource = "DeviceSerial",
            Status = status,
            PukMethod = method,
            ProfileName = profile,
            PukMasterVersion = master,
            PukKnownToPerson = seen,
            PukSetAt = Now.AddDays(-days),
        };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
