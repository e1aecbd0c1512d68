using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Provisioning;
using OathServer.Records;
using OathServer.Storage;
using OathServer.Tests.Provisioning;
using SecurityKeys.Virtual;

namespace OathServer.Tests.Records;

public class RecordsTests
{
    [Fact]
    public async Task A_record_is_found_by_cuid_serial_and_name_in_one_look()
    {
        await using var server = await WithKeyAsync();
        var client = await server.Client(Roles.HelpDesk);

        foreach (var text in (string[])["00011170", "0001:1170", "70000", "A1", "alice", "ALICE"])
        {
            var found = await client.GetFromJsonAsync<JsonElement>($"/v1/records?search={text}", Cancel);
            Assert.True(found.GetArrayLength() == 1, text);
            Assert.Equal("00011170", found[0].GetProperty("cuid").GetString());
        }

        using var none = await client.GetAsync("/v1/records/FFFF", Cancel);
        using var blank = await client.GetAsync("/v1/records?search=%20", Cancel);
        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.BadRequest), (none.StatusCode, blank.StatusCode));
    }

    [Fact]
    public async Task A_revealed_puk_is_the_one_on_the_key_and_the_reveal_is_in_the_trail_with_its_reason()
    {
        var key = new VirtualKey(new VirtualKeyOptions { Serial = 70000 });
        await using var server = await WithKeyAsync(key);
        var client = await server.Client(Roles.HelpDesk);

        using var reply = await client.PostAsJsonAsync("/v1/records/00011170/puk/reveal", new { reason = "PIN blocked, ticket 4711" }, Cancel);

        var puk = (await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("puk").GetString()!;
        Assert.Equal(System.Text.Encoding.ASCII.GetString(key.Peek().Piv.Puk), puk);
        var entry = await server.WithDatabase(db => db.Audit.SingleAsync(e => e.Action == "puk.reveal", Cancel));
        Assert.Equal(("00011170", "PIN blocked, ticket 4711"), (entry.Cuid, entry.Detail));
        var record = await client.GetFromJsonAsync<JsonElement>("/v1/records/00011170", Cancel);
        Assert.True(record.GetProperty("puk").GetProperty("knownToPerson").GetBoolean());
        Assert.DoesNotContain(puk, record.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reveal_without_a_reason_is_refused_and_an_initial_pin_is_shown_once()
    {
        var key = new VirtualKey(new VirtualKeyOptions { Serial = 70000 });
        await using var server = await WithKeyAsync(key);
        var client = await server.Client(Roles.HelpDesk);

        using var unreasoned = await client.PostAsJsonAsync("/v1/records/00011170/pin/reveal", new { reason = " " }, Cancel);
        using var first = await client.PostAsJsonAsync("/v1/records/00011170/pin/reveal", new { reason = "handout lost" }, Cancel);
        using var second = await client.PostAsJsonAsync("/v1/records/00011170/pin/reveal", new { reason = "handout lost" }, Cancel);

        Assert.Equal(HttpStatusCode.BadRequest, unreasoned.StatusCode);
        Assert.Equal(System.Text.Encoding.ASCII.GetString(key.Peek().Piv.Pin), (await first.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("pin").GetString());
        Assert.Equal(HttpStatusCode.NotFound, second.StatusCode);
    }

    [Fact]
    public async Task One_person_is_shown_only_so_many_secrets_a_day_and_a_refusal_uses_nothing_up()
    {
        await using var server = await WithKeyAsync(settings: new Dictionary<string, string?> { ["Records:RevealsADay"] = "2" });
        var client = await server.Client(Roles.HelpDesk);
        var replies = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ =>
            client.PostAsJsonAsync("/v1/records/00011170/puk/reveal", new { reason = "PIN blocked" }, Cancel)));

        Assert.Equal(2, replies.Count(r => r.StatusCode == HttpStatusCode.OK));
        Assert.Equal(2, replies.Count(r => r.StatusCode == HttpStatusCode.TooManyRequests));
        Assert.Equal(2, await server.WithDatabase(db => db.Audit.CountAsync(e => e.Action == "puk.reveal", Cancel)));
        using var spent = await client.PostAsJsonAsync("/v1/records/00011170/pin/reveal", new { reason = "handout lost" }, Cancel);
        using var colleague = await (await server.Client()).PostAsJsonAsync("/v1/records/00011170/pin/reveal", new { reason = "handout lost" }, Cancel);
        Assert.Equal((HttpStatusCode.TooManyRequests, HttpStatusCode.OK), (spent.StatusCode, colleague.StatusCode));
    }

    [Fact]
    public async Task Suspending_a_key_refuses_its_token_at_once_and_handing_it_out_again_lets_it_in()
    {
        await using var server = await WithKeyAsync();
        var client = await server.Client(Roles.HelpDesk);

        using var suspended = await client.PatchAsJsonAsync("/v1/records/00011170", new { status = "suspended", notes = "at home" }, Cancel);
        Assert.Equal("at home", (await suspended.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("notes").GetString());
        Assert.False(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 6)));
        using var back = await client.PatchAsJsonAsync("/v1/records/00011170", new { status = "handed-out" }, Cancel);
        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 6)));
        using var retired = await client.PatchAsJsonAsync("/v1/records/00011170", new { status = "retired" }, Cancel);
        Assert.False(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 7)));
        using var refused = await client.PatchAsJsonAsync("/v1/records/00011170", new { status = "handed-out" }, Cancel);
        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
    }

    // YSA-2024-03: keys below firmware 5.7 give their ECDSA keys away to who opens them.
    [Fact]
    [Trait("Advisory", "YSA-2024-03")]
    public async Task Every_record_in_the_export_tells_its_firmware_so_that_keys_below_a_floor_are_found()
    {
        await using var server = await WithKeyAsync(new VirtualKey(new VirtualKeyOptions { Serial = 70000, Firmware = new Version(5, 4, 3) }));
        var lines = (await (await server.Client()).GetStringAsync("/v1/records/export", Cancel)).TrimEnd().Split('\n');

        using var record = JsonDocument.Parse(Assert.Single(lines));
        Assert.True(Version.Parse(record.RootElement.GetProperty("firmware").GetString()!) < new Version(5, 7));
    }

    private static async Task<ServerUnderTest> WithKeyAsync(VirtualKey? key = null, Dictionary<string, string?>? settings = null)
    {
        var server = await ServerUnderTest.StartAsync(settings);
        await server.AddTokenAsync("A1", Codes.Secret, counter: 5, state: TokenState.Imported);
        key ??= new VirtualKey(new VirtualKeyOptions { Serial = 70000 });
        server.Services.GetRequiredService<KeyReaders>().Plug("desk 1", KeyReaders.VirtualKind, key.Connect);
        var client = await server.Client();
        using var reply = await client.PostAsJsonAsync("/v1/provisioning", new { reader = "desk 1", serial = "A1", user = "alice" }, Cancel);
        Assert.Equal(HttpStatusCode.Created, reply.StatusCode);
        return server;
    }

    [Fact]
    public async Task A_report_of_loss_and_the_suspension_are_one_commit()
    {
        var storage = new StorageFaults();
        await using var server = await ServerUnderTest.StartAsync(replace: services =>
        {
            services.ConfigureDbContext<SqliteOathDbContext>(options => options.AddInterceptors(storage.Commits, storage.Commands));
            services.ConfigureDbContext<PostgreSqlOathDbContext>(options => options.AddInterceptors(storage.Commits, storage.Commands));
        });
        await server.WithDatabase(async db =>
        {
            db.Records.Add(new KeyRecord { Cuid = "0000CAFE", CuidSource = "DeviceSerial", Status = KeyStatus.HandedOut });
            return await db.SaveChangesAsync(Cancel);
        });
        var lost = new AuditEvent("holder alice", "holder.lost", "done") { Cuid = "0000CAFE" };

        async Task<(KeyStatus, int)> ReportAsync(bool dies)
        {
            storage.Restart();
            if (dies)
            {
                storage.Arm(1, stored: false);
            }

            try
            {
                await server.WithDatabase(async db => await server.Services.GetRequiredService<RecordLife>().ChangeStatusAsync(
                    db, await db.Records.SingleAsync(Cancel), KeyStatus.Suspended, new AuditEvent("holder alice", "", ""), Cancel, lost));
            }
            catch (Exception fault) when (dies && fault is not Xunit.Sdk.IAssertionException)
            {
                storage.Restart();
            }

            return await server.WithDatabase(async db => (
                await db.Records.Select(r => r.Status).SingleAsync(Cancel), await db.Audit.CountAsync(a => a.Actor == "holder alice", Cancel)));
        }

        Assert.Equal((KeyStatus.HandedOut, 0), await ReportAsync(dies: true));
        Assert.Equal((KeyStatus.Suspended, 2), await ReportAsync(dies: false));
        Assert.Equal(1, storage.Committed);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
