using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Audit;
using OathServer.Provisioning;
using OathServer.Storage;
using OathServer.Tests.Databases;
using OathServer.Tests.Secrets;
using SecurityKeys.Virtual;

namespace OathServer.Tests.Records;

public class PurgeTests
{
    private const string Name = "zebulon.quagga";
    private const string Mail = "z.quagga@example.org";

    [Fact]
    public async Task A_leaver_is_nowhere_any_more_and_the_trail_still_verifies()
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-test-").FullName;
        await using (var server = await WithLeaverAsync(folder))
        {
            Assert.True((await CheckAsync(server)).Holds);
            var client = await server.Client();
            Assert.Equal(HttpStatusCode.Conflict, (await PurgeAsync(client, retire: false)).Status);
            Assert.Equal(HttpStatusCode.Conflict, (await PurgeAsync(client, retire: true, name: "nobody")).Status);

            var (status, report) = await PurgeAsync(client, retire: true);

            Assert.Equal(HttpStatusCode.OK, status);
            Assert.Equal(0, await server.WithDatabase(db => db.TokenPins.CountAsync(Cancel)));
            Assert.True(report.GetProperty("entries").GetInt32() >= 3, report.ToString());
            var verdict = await CheckAsync(server);
            Assert.True(verdict.Holds, string.Join("; ", verdict.Faults));
            foreach (var path in (string[])["/v1/audit?limit=500", "/v1/audit/export", $"/v1/records?search=00011170", "/v1/tokens", "/v1/provisioning"])
            {
                var said = await client.GetStringAsync(path, Cancel);
                Assert.DoesNotContain("quagga", said, StringComparison.OrdinalIgnoreCase);
            }

            Assert.Contains("bystander", await client.GetStringAsync("/v1/audit?limit=500", Cancel), StringComparison.Ordinal);
            Assert.False(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 6)));
            Assert.True(await server.AcceptsAsync("B1", Codes.Hotp(Codes.Secret, 0)));
            // What another did to the trail afterwards is still found.
            await server.WithDatabase(db => db.Audit.Where(e => e.UserName == "bystander")
                .ExecuteUpdateAsync(e => e.SetProperty(x => x.UserName, "somebody"), Cancel));
            Assert.False((await CheckAsync(server)).Holds);
        }

        if (!OnPostgreSqlAttribute.IsAsked)
        {
            var scan = new SecretScan();
            scan.Add("name", "quagga");
            Assert.Equal([], scan.InFolder(folder));
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_name_erased_from_the_trail_by_anybody_else_is_found()
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-test-").FullName;
        await using (var server = await WithLeaverAsync(folder))
        {
            var sequence = await server.WithDatabase(db => db.Audit.Where(e => e.UserName == Name).MinAsync(e => e.Sequence, Cancel));
            await server.WithDatabase(db => db.Audit.Where(e => e.Sequence == sequence)
                .ExecuteUpdateAsync(e => e.SetProperty(x => x.UserName, (string?)null).SetProperty(x => x.UserSalt, (byte[]?)null), Cancel));

            var verdict = await CheckAsync(server);

            Assert.Contains($"acts: entry {sequence} was erased", Assert.Single(verdict.Faults), StringComparison.Ordinal);
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_namesake_in_another_realm_keeps_their_name_and_a_former_name_goes_too()
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-test-").FullName;
        await using (var server = await WithLeaverAsync(folder))
        {
            var client = await server.Client();
            await server.AddTokenAsync("C1", Codes.Secret, realm: "other");
            using var assigned = await client.PutAsJsonAsync("/v1/tokens/C1/user", new { user = Name, realm = "other" }, Cancel);
            Assert.Equal(HttpStatusCode.OK, assigned.StatusCode);
            using var noted = await client.PostAsJsonAsync("/v1/records/00011170/puk/reveal", new { reason = "was Zeb Smith before" }, Cancel);

            var (status, _) = await PurgeAsync(client, retire: true, former: "Zeb Smith");

            Assert.Equal(HttpStatusCode.OK, status);
            var left = await server.WithDatabase(db => db.Audit.Where(e => e.UserName == Name).Select(e => e.Serial).ToListAsync(Cancel));
            Assert.Equal(["C1"], left);
            Assert.DoesNotContain("Zeb Smith", await client.GetStringAsync("/v1/audit?limit=500", Cancel), StringComparison.Ordinal);
            Assert.True((await CheckAsync(server)).Holds);
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_batch_s_notice_loses_the_name_and_an_open_job_for_them_on_anybody_s_key_is_in_the_way()
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-test-").FullName;
        await using (var server = await WithLeaverAsync(folder))
        {
            var client = await server.Client();
            var batch = new DeskBatch
            {
                Id = Guid.NewGuid(),
                Name = "monday",
                ProfileName = "default",
                Readers = "",
                CreatedBy = "op",
                // A desk at work would write notices of its own.
                State = DeskBatchState.Stopped,
                Notice = $"{Name}: the key was pulled. Insert the same key again.",
            };
            var job = new ProvisioningJob { Id = Guid.NewGuid(), Cuid = "0000BEEF", OpenCuid = "0000BEEF", ProfileName = "default", Operator = "op" };
            await server.WithDatabase(async db =>
            {
                job.PersonId = await db.People.Where(p => p.Name == Name).Select(p => p.Id).SingleAsync(Cancel);
                db.AddRange(batch, job);
                return await db.SaveChangesAsync(Cancel);
            });

            var (busy, why) = await PurgeAsync(client, retire: true);
            await server.WithDatabase(db => db.Jobs.Where(j => j.Id == job.Id).ExecuteUpdateAsync(
                j => j.SetProperty(x => x.OpenCuid, (string?)null).SetProperty(x => x.State, JobState.Abandoned), Cancel));
            var (gone, _) = await PurgeAsync(client, retire: true);

            Assert.Equal(HttpStatusCode.Conflict, busy);
            Assert.Contains("A job is open on key 0000BEEF", why.ToString(), StringComparison.Ordinal);
            Assert.Equal(HttpStatusCode.OK, gone);
            Assert.Null(await server.WithDatabase(db => db.DeskBatches.Select(b => b.Notice).SingleAsync(Cancel)));
        }

        Directory.Delete(folder, recursive: true);
    }

    private static async Task<(HttpStatusCode Status, JsonElement Body)> PurgeAsync(HttpClient client, bool retire, string name = Name, string? former = null)
    {
        using var reply = await client.PostAsJsonAsync(
            "/v1/people/purge", new { realm = "default", user = name, retire, formerNames = former is null ? (string[])[] : [former] }, Cancel);
        return (reply.StatusCode, await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel));
    }

    private static Task<TrailVerdict> CheckAsync(ServerUnderTest server) =>
        server.WithDatabase(db => server.Services.GetRequiredService<TrailCheck>().RunAsync(db, Cancel));

    /// <summary>Somebody with a key, whose name stands in record, notes, job, reasons and trail.</summary>
    private static async Task<ServerUnderTest> WithLeaverAsync(string folder)
    {
        var server = await ServerUnderTest.StartAsync(folder: folder);
        await server.AddTokenAsync("A1", Codes.Secret, counter: 5, state: TokenState.Imported);
        await server.AddTokenAsync("B1", Codes.Secret);
        server.Services.GetRequiredService<KeyReaders>().Plug("desk 1", KeyReaders.VirtualKind, new VirtualKey(new VirtualKeyOptions { Serial = 70000 }).Connect);
        var client = await server.Client();
        using var provisioned = await client.PostAsJsonAsync("/v1/provisioning", new { reader = "desk 1", serial = "A1", user = Name }, Cancel);
        Assert.Equal(HttpStatusCode.Created, provisioned.StatusCode);
        await server.WithDatabase(db => db.People.Where(p => p.Name == Name).ExecuteUpdateAsync(
            p => p.SetProperty(x => x.Mail, Mail).SetProperty(x => x.DisplayName, "Zebulon Quagga"), Cancel));
        using var noted = await client.PatchAsJsonAsync("/v1/records/00011170", new { notes = "ring Quagga at home" }, Cancel);
        using var revealed = await client.PostAsJsonAsync("/v1/records/00011170/puk/reveal", new { reason = $"asked by {Mail}" }, Cancel);
        using var pinned = await client.PutAsJsonAsync("/v1/tokens/A1/pin", new { pin = "471108", reason = "first set" }, Cancel);
        Assert.Equal(HttpStatusCode.NoContent, pinned.StatusCode);
        using var assigned = await client.PutAsJsonAsync("/v1/tokens/B1/user", new { user = "bystander" }, Cancel);
        Assert.Equal(HttpStatusCode.OK, assigned.StatusCode);
        return server;
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
