using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Access;
using OathServer.Audit;
using OathServer.Storage;

namespace OathServer.Tests.Audit;

/// <summary>Somebody who can write the database's files, but has not the key, changes the trail in every way there is.</summary>
public class TamperTests
{
    private const int Length = 12;

    // Of the validations, the batch that holds an attempt is what is chained.
    private static readonly (string Table, string Where, string Flip)[] Chains =
    [
        ("audit", "\"Sequence\"", "\"Outcome\" = 'Done'"),
        ("validation_log", "sequence", "at = at + 1"),
    ];

    private static readonly string[] Changes = ["flip", "delete", "insert", "swap", "truncate", "rebuild"];

    [Fact]
    public async Task Every_change_at_every_place_is_found_and_its_place_named()
    {
        await using var server = await WithTrailAsync();
        Assert.True((await CheckAsync(server)).Holds);
        var tried = 0;
        for (var which = 0; which < Chains.Length; which++)
        {
            foreach (var change in Changes)
            {
                foreach (var at in (int[])[1, Length / 2, Length - 1])
                {
                    await TryAsync(server, which, change, at);
                    tried++;
                }
            }
        }

        Assert.Equal(36, tried);
        Assert.True((await CheckAsync(server)).Holds);
    }

    private static Task<int> TryAsync(ServerUnderTest server, int which, string change, int at) => server.WithDatabase(async db =>
    {
        // Undone after the look, so that the next change meets an untouched trail.
        await using var transaction = await db.Database.BeginTransactionAsync(Cancel);
        var first = await ChangeAsync(db, Chains[which], change, at);

        var verdict = await server.Services.GetRequiredService<TrailCheck>().RunAsync(db, Cancel);

        var chain = which == 0 ? "acts" : "validations/";
        Assert.True(
            !verdict.Holds && verdict.Faults.Any(fault =>
                fault.StartsWith(chain, StringComparison.Ordinal) && fault.Contains($"entry {first} ", StringComparison.Ordinal)),
            $"{chain} {change} at {at}: {string.Join("; ", verdict.Faults)}");
        return 0;
    });

    [Fact]
    public async Task A_database_put_back_from_a_copy_is_not_served()
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-test-").FullName;
        var copy = Path.Combine(folder, "copy.db");
        await using (var server = await ServerUnderTest.StartAsync(folder: folder))
        {
            await server.AddTokenAsync("A1", Codes.Secret);
            Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 0)));
        }

        // The last connection closed carries the log into the file.
        SqliteConnection.ClearAllPools();
        File.Copy(Path.Combine(folder, "oath.db"), copy);
        await using (var server = await ServerUnderTest.StartAsync(folder: folder))
        {
            Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 1)));
        }

        // Connections that the driver keeps would go on reading the file that was taken away.
        SqliteConnection.ClearAllPools();
        foreach (var part in Directory.GetFiles(folder, "oath.db*"))
        {
            File.Delete(part);
        }

        File.Copy(copy, Path.Combine(folder, "oath.db"));

        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => ServerUnderTest.StartAsync(folder: folder));
        Assert.Contains("rolled back", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("restore --accept", refusal.Message, StringComparison.Ordinal);

        File.Delete(Path.Combine(folder, "anchors.jsonl"));
        refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => ServerUnderTest.StartAsync(folder: folder));
        Assert.Contains("anchors", refusal.Message, StringComparison.Ordinal);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task An_edited_anchor_is_no_anchor()
    {
        await using var server = await WithTrailAsync();
        var file = server.Services.GetRequiredService<AnchorFile>();
        await File.WriteAllTextAsync(file.Path, (await File.ReadAllTextAsync(file.Path, Cancel)).Replace("\"sequence\":1", "\"sequence\":2", StringComparison.Ordinal), Cancel);

        var verdict = await CheckAsync(server);

        Assert.Contains(verdict.Faults, f => f.StartsWith("anchors: line", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Auditors_read_check_and_export_the_trail_and_a_callers_text_forges_no_line()
    {
        await using var server = await WithTrailAsync();
        await server.WithDatabase(async db =>
        {
            await server.Services.GetRequiredService<AuditTrail>().SaveAsync(db, Cancel,
                new AuditEvent("mallory", "token.unlock", "done") { Detail = "a|b=c\nCEF:0|forged" });
            return 0;
        });
        var auditor = await server.Client(Roles.Auditor);

        var page = await auditor.GetFromJsonAsync<JsonElement>("/v1/audit?limit=5&action=desk.", Cancel);
        var next = await auditor.GetFromJsonAsync<JsonElement>($"/v1/audit?limit=500&action=desk.&before={page.GetProperty("next")}", Cancel);
        var verdict = await auditor.GetFromJsonAsync<JsonElement>("/v1/audit/verify", Cancel);
        var cef = await auditor.GetStringAsync("/v1/audit/export?format=cef&actor=mallory", Cancel);
        var attempts = await auditor.GetStringAsync("/v1/audit/export?validations=true", Cancel);
        using var refused = await auditor.GetAsync("/v1/audit/export?format=1", Cancel);

        Assert.Equal(5, page.GetProperty("entries").GetArrayLength());
        Assert.Equal(Length - 5, next.GetProperty("entries").GetArrayLength());
        Assert.True(verdict.GetProperty("holds").GetBoolean());
        Assert.Single(cef.TrimEnd().Split('\n'));
        Assert.Contains(@"msg=a|b\=c\nCEF:0|forged", cef, StringComparison.Ordinal);
        Assert.Equal(Length, attempts.TrimEnd().Split('\n').Count(l => l.Contains("\"outcome\":\"accepted\"", StringComparison.Ordinal)));
        Assert.Equal(System.Net.HttpStatusCode.BadRequest, refused.StatusCode);
        using var relyingParty = await (await server.Client(Roles.RelyingParty)).GetAsync("/v1/audit", Cancel);
        Assert.Equal(System.Net.HttpStatusCode.Forbidden, relyingParty.StatusCode);
    }

    /// <summary>Returns the first entry that is not what it was.</summary>
    private static async Task<long> ChangeAsync(OathDbContext db, (string Table, string Where, string Flip) chain, string change, int at)
    {
        var (table, where, flip) = chain;
        var columns = table == "audit"
            ? "\"At\", \"Actor\", \"Action\", \"Outcome\", \"Mac\""
            : "node, at, entries, mac";
        var last = table == "audit" ? await db.Audit.MaxAsync(e => e.Sequence, Cancel) : await db.ValidationBatches.MaxAsync(b => b.Sequence, Cancel);
        (string Sql, long First)[] steps = change switch
        {
            "flip" => [($"UPDATE {table} SET {flip} WHERE {where} = {at}", at)],
            "delete" => [($"DELETE FROM {table} WHERE {where} = {at}", at)],
            "insert" =>
            [
                ($"UPDATE {table} SET {where} = -{where} WHERE {where} >= {at}", at),
                ($"UPDATE {table} SET {where} = -{where} + 1 WHERE {where} < 0", at),
                ($"INSERT INTO {table} ({where}, {columns}) SELECT {at}, {columns} FROM {table} WHERE {where} = {at + 1}", at + 1),
            ],
            "swap" =>
            [
                ($"UPDATE {table} SET {where} = -1 WHERE {where} = {at}", at),
                ($"UPDATE {table} SET {where} = {at} WHERE {where} = {at + 1}", at),
                ($"UPDATE {table} SET {where} = {at + 1} WHERE {where} = -1", at),
            ],
            "truncate" => [($"DELETE FROM {table} WHERE {where} > {at}", last)],
            // Without the key there is no right MAC; the best forger copies one.
            _ => [($"UPDATE {table} SET mac = (SELECT mac FROM {table} WHERE {where} = {last}) WHERE {where} >= {at}", at)],
        };
        foreach (var (sql, _) in steps)
        {
            await db.Database.ExecuteSqlRawAsync(sql, Cancel);
        }

        // A copied entry at the place of the original is the original; the one after it is the first wrong.
        return change == "insert" && table == "audit" ? at : steps[^1].First;
    }

    private static async Task<ServerUnderTest> WithTrailAsync()
    {
        var server = await ServerUnderTest.StartAsync();
        var trail = server.Services.GetRequiredService<AuditTrail>();
        await server.AddTokenAsync("A1", Codes.Secret);
        for (var i = 0; i < Length; i++)
        {
            await server.WithDatabase(async db =>
            {
                await trail.SaveAsync(db, Cancel, new AuditEvent("desk", "desk.act", "done") { Cuid = $"C{i}" });
                return 0;
            });
            Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, i)));
        }

        await server.WithDatabase(db => server.Services.GetRequiredService<Anchors>().WriteAsync(db, Cancel));
        return server;
    }

    private static Task<TrailVerdict> CheckAsync(ServerUnderTest server) =>
        server.WithDatabase(db => server.Services.GetRequiredService<TrailCheck>().RunAsync(db, Cancel));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
