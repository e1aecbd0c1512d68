using System.Net;
using Microsoft.EntityFrameworkCore;
using OathServer.Access;
using OathServer.Storage;

namespace OathServer.Tests.Import;

public class UndoTests
{
    [Fact]
    public async Task An_import_nothing_of_which_was_used_is_taken_back_whole_and_can_be_imported_again()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await (await server.ImportAsync(Uploads.Sample("import/reseed.csv"))).ReportAsync(HttpStatusCode.Created);
        var before = await server.RowsAsync();
        var report = await (await server.ImportAsync(Uploads.Sample("import/users.oath"))).ReportAsync(HttpStatusCode.Created);
        Assert.True((await server.RowsAsync()).People > 0);
        // A wrong code is no use of a token.
        Assert.False(await server.AcceptsAsync("dave:1", "00000000"));

        Assert.Equal(HttpStatusCode.NoContent, await UndoAsync(server, report.Id!.Value));

        Assert.Equal(before, await server.RowsAsync());
        Assert.Equal(HttpStatusCode.NotFound, await UndoAsync(server, report.Id!.Value));
        Assert.Contains("4 tokens of upload", (await server.WithDatabase(db => db.Audit.SingleAsync(e => e.Action == "import.undo"))).Detail, StringComparison.Ordinal);
        await (await server.ImportAsync(Uploads.Sample("import/users.oath"))).ReportAsync(HttpStatusCode.Created);
        Assert.Equal(report.Totals.Imported + before.Tokens, (await server.RowsAsync()).Tokens);
    }

    [Fact]
    public async Task One_accepted_code_keeps_the_whole_import()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var report = await (await server.ImportAsync(Uploads.Sample("import/privacyidea.csv"))).ReportAsync(HttpStatusCode.Created);
        var secret = Convert.FromHexString(File.ReadLines(Path.Combine(Uploads.Samples, "import", "privacyidea.csv")).ElementAt(1).Split(',')[1].Trim());
        Assert.True(await server.AcceptsAsync("PI0001", Codes.Hotp(secret, 17)));
        var before = await server.RowsAsync();

        var client = await server.Client(Roles.Provisioner);
        var problem = await (await client.DeleteAsync($"/v1/imports/{report.Id}", TestContext.Current.CancellationToken)).ProblemAsync(HttpStatusCode.Conflict);

        Assert.Equal("PI0001", problem.GetProperty("inUse")[0].GetString());
        Assert.Equal(1, problem.GetProperty("inUse").GetArrayLength());
        Assert.Equal(before, await server.RowsAsync());
        Assert.True(await server.AcceptsAsync("PI0001", Codes.Hotp(secret, 18)));
    }

    [Fact]
    public async Task An_import_of_more_owners_than_a_statement_has_parameters_is_taken_back()
    {
        // SQLite takes 32,766 in one statement.
        const int Owners = 33_000;
        await using var server = await ServerUnderTest.StartAsync();
        var report = await (await server.ImportAsync(Uploads.Sample("import/users.oath"))).ReportAsync(HttpStatusCode.Created);
        await server.WithDatabase(async db =>
        {
            var token = await db.Tokens.Where(t => t.PersonId != null).FirstAsync(TestContext.Current.CancellationToken);
            await CopiesAsync<Person>(db, "\"Id\" = " + token.PersonId, ("Id", "1000000 + n"), ("Name", "'owner ' || n"), ("NormalizedName", "'owner ' || n"));
            await CopiesAsync<Token>(db, "\"Id\" = " + token.Id, ("Id", "1000000 + n"), ("Serial", "'copy ' || n"), ("PersonId", "1000000 + n"));
            return await CopiesAsync<TokenCounter>(db, "token_id = " + token.Id, ("token_id", "1000000 + n"));
        });
        Assert.True((await server.RowsAsync()).People > Owners);

        Assert.Equal(HttpStatusCode.NoContent, await UndoAsync(server, report.Id!.Value));

        Assert.Equal(0, (await server.RowsAsync()).People);

        // One row, many times over, with these columns changed.
        static Task<int> CopiesAsync<T>(OathDbContext db, string of, params (string Column, string Value)[] changes)
        {
            var type = db.Model.FindEntityType(typeof(T))!;
            var columns = type.GetProperties().Where(p => p.GetComputedColumnSql() is null).Select(p => p.GetColumnName()).ToList();
            var values = columns.Select(c => changes.FirstOrDefault(x => x.Column == c).Value ?? $"\"{c}\"");
            var sql =
                $"WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {Owners}) INSERT INTO \"{type.GetTableName()}\" "
                + $"({string.Join(',', columns.Select(c => $"\"{c}\""))}) SELECT {string.Join(',', values)} FROM \"{type.GetTableName()}\", s WHERE {of}";
            return db.Database.ExecuteSqlRawAsync(sql, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task Tokens_not_on_a_key_yet_are_listed_by_their_state_and_import()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("X1", Codes.Secret);
        var report = await (await server.ImportAsync(Uploads.Sample("import/reseed.csv"), "?fileName=reseed.csv")).ReportAsync(HttpStatusCode.Created);

        var client = await server.Client(Roles.HelpDesk);
        var imported = await client.GetStringAsync($"/v1/tokens?state=imported&import={report.Id}", TestContext.Current.CancellationToken);
        var odd = await client.GetAsync("/v1/tokens?state=lost", TestContext.Current.CancellationToken);

        Assert.Contains("CR000005", imported, StringComparison.Ordinal);
        Assert.Contains($"\"importId\":{report.Id},\"importedBy\":\"", imported, StringComparison.Ordinal);
        Assert.Contains("\"file\":\"reseed.csv\"", imported, StringComparison.Ordinal);
        Assert.DoesNotContain("\"X1\"", imported, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.BadRequest, odd.StatusCode);
    }

    private static async Task<HttpStatusCode> UndoAsync(ServerUnderTest server, long id) =>
        (await (await server.Client(Roles.Provisioner)).DeleteAsync($"/v1/imports/{id}", TestContext.Current.CancellationToken)).StatusCode;
}
