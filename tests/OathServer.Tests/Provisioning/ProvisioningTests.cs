using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Audit;
using OathServer.Provisioning;
using OathServer.Provisioning.Steps;
using OathServer.Secrets;
using OathServer.Storage;
using SecurityKeys.Virtual;

namespace OathServer.Tests.Provisioning;

public class ProvisioningTests
{
    private const string Reader = "desk 1";

    [Fact]
    public async Task One_request_closes_the_gaps_on_a_factory_fresh_key()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, counter: 41, state: TokenState.Imported);
        var key = Plug(server, 70001);
        var client = await server.Client();

        using var reply = await client.PostAsJsonAsync("/v1/provisioning", new { reader = Reader, serial = "A1", user = "alice" }, Cancel);

        var job = await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        Assert.True(reply.StatusCode == HttpStatusCode.Created, job.ToString());
        Assert.Equal("confirmed", job.GetProperty("state").GetString());
        await AssertKnownAsync(server, key);
        Assert.Equal(42, (await server.CounterAsync("A1")).Counter);
        Assert.Equal(TokenState.Active, (await server.CounterAsync("A1")).State);
        var gaps = await client.GetFromJsonAsync<JsonElement>("/v1/readiness", Cancel);
        Assert.True(gaps.GetProperty("readyForHandout").GetBoolean(), gaps.ToString());
        using var read = await client.GetAsync($"/v1/provisioning/{job.GetProperty("id").GetGuid()}", Cancel);
        Assert.Equal(HttpStatusCode.OK, read.StatusCode);
    }

    [Fact]
    public async Task A_dry_run_shows_the_plan_and_writes_nothing()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, state: TokenState.Imported);
        var key = Plug(server, 70001);
        var client = await server.Client();

        using var reply = await client.PostAsJsonAsync("/v1/provisioning", new { reader = Reader, serial = "A1", user = "alice", dryRun = true }, Cancel);

        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        Assert.True((await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("possible").GetBoolean());
        Assert.Equal("123456", Encoding.ASCII.GetString(key.Peek().Piv.Pin));
        Assert.Equal(TokenState.Imported, (await server.CounterAsync("A1")).State);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_key_pulled_at_any_command_is_finished_by_resuming_and_nothing_on_it_is_unknown(bool answerLost)
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = await server.Client();
        var cuts = 0;
        for (var n = 1; ; n++)
        {
            var serial = $"A{n}";
            await server.AddTokenAsync(serial, Codes.Secret, counter: 5, state: TokenState.Imported);
            var key = Plug(server, (uint)(71000 + n));
            if (answerLost)
            {
                key.PullAfter(n);
            }
            else
            {
                key.PullBefore(n);
            }

            using var reply = await client.PostAsJsonAsync("/v1/provisioning", new { reader = Reader, serial, user = $"user{n}" }, Cancel);
            var job = await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel);
            if (reply.StatusCode == HttpStatusCode.Created && job.GetProperty("state").GetString() == "confirmed")
            {
                // The cut lay behind the last command: every one has been walked.
                break;
            }

            cuts++;
            if (reply.StatusCode == HttpStatusCode.Created)
            {
                Assert.False(await server.AcceptsAsync(serial, Codes.Hotp(Codes.Secret, 5)), "a token being provisioned is refused");
                using var resumed = await client.PostAsJsonAsync($"/v1/provisioning/{job.GetProperty("id").GetGuid()}/resume", new { reader = Reader }, Cancel);
                job = await resumed.Content.ReadFromJsonAsync<JsonElement>(Cancel);
            }
            else
            {
                using var again = await client.PostAsJsonAsync("/v1/provisioning", new { reader = Reader, serial, user = $"user{n}" }, Cancel);
                job = await again.Content.ReadFromJsonAsync<JsonElement>(Cancel);
            }

            Assert.True(job.TryGetProperty("state", out var state) && state.GetString() == "confirmed", $"cut at command {n}: {job}");
            await AssertKnownAsync(server, key);
        }

        Assert.True(cuts > 15, $"only {cuts} cut points were walked");
    }

    [Fact]
    public async Task A_reader_is_free_again_when_whoever_resumes_a_job_goes_away_in_the_middle()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, counter: 5, state: TokenState.Imported);
        var key = Plug(server, 70001);
        key.PullAfter(40);
        var client = await server.Client();
        using var begun = await client.PostAsJsonAsync("/v1/provisioning", new { reader = Reader, serial = "A1", user = "alice" }, Cancel);
        var id = (await begun.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("id").GetGuid();

        using var caller = new CancellationTokenSource();
        server.Services.GetRequiredService<KeyReaders>().Plug(Reader, KeyReaders.VirtualKind, () =>
        {
            caller.Cancel();
            return key.Connect();
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => server.WithDatabase(async db => await server.Services.GetRequiredService<Workflow>()
            .ResumeAsync(db, await db.Jobs.SingleAsync(j => j.Id == id, Cancel), Reader, new AuditEvent("test", "", ""), caller.Token)));

        using var resumed = await client.PostAsJsonAsync($"/v1/provisioning/{id}/resume", new { reader = Reader }, Cancel);
        var job = await resumed.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        Assert.True(job.TryGetProperty("state", out var state) && state.GetString() == "confirmed", job.ToString());
        await AssertKnownAsync(server, key);
    }

    [Fact]
    public async Task A_counter_the_key_cannot_hold_is_refused_before_anything_is_written()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, counter: (long)uint.MaxValue + 1, state: TokenState.Imported);
        var key = Plug(server, 70001);
        var client = await server.Client();

        using var reply = await client.PostAsJsonAsync("/v1/provisioning", new { reader = Reader, serial = "A1", user = "alice" }, Cancel);

        Assert.Equal(HttpStatusCode.UnprocessableEntity, reply.StatusCode);
        Assert.Empty(await server.WithDatabase(db => db.Jobs.ToListAsync(Cancel)));
        Assert.Equal("12345678", Encoding.ASCII.GetString(key.Peek().Piv.Puk));
    }

    private static VirtualKey Plug(ServerUnderTest server, uint serial)
    {
        var key = new VirtualKey(new VirtualKeyOptions { Serial = serial });
        server.Services.GetRequiredService<KeyReaders>().Plug(Reader, KeyReaders.VirtualKind, key.Connect);
        return key;
    }

    /// <summary>What is on the key is what the record says: nothing is factory-set, nothing is unknown.</summary>
    private static async Task AssertKnownAsync(ServerUnderTest server, VirtualKey key)
    {
        var cuid = SecurityKeys.Cards.Cuid.FromSerial(key.Options.Serial).Text;
        var contents = key.Peek();
        var (record, puk) = await server.WithDatabase(async db =>
        {
            var found = await db.Records.SingleAsync(r => r.Cuid == cuid, Cancel);
            return (found, await server.Services.GetRequiredService<KeySecrets>().PukOfAsync(db, found, Cancel));
        });
        var sealer = server.Services.GetRequiredService<Sealer>();
        Assert.Equal(KeyStatus.ReadyForHandout, record.Status);
        Assert.Equal(puk, contents.Piv.Puk);
        Assert.Equal(sealer.Open(record.SealedPin!, SealedPlace.RecordPin(cuid)), contents.Piv.Pin);
        Assert.Equal(sealer.Open(record.SealedManagementKey!, SealedPlace.RecordManagementKey(cuid)), contents.Piv.ManagementKey);
        Assert.Equal(Codes.Secret, Assert.Single(contents.Oath).Secret);
        Assert.Equal(contents.Piv.PinTriesTotal, contents.Piv.PinTriesLeft);
        Assert.Equal(contents.Piv.PukTriesTotal, contents.Piv.PukTriesLeft);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
