using System.Text.RegularExpressions;
using OathServer.Access;

namespace OathServer.Tests.Databases;

/// <summary>What a validation asks of PostgreSQL, as PostgreSQL itself logs it: these statements and no other. Whoever tries
/// a database that only speaks the protocol has to look at the list alone (docs/scale.md).</summary>
public partial class HotPathTests
{
    private const string Mark = "SELECT 'from here on'";

    [Fact]
    public async Task A_validation_uses_the_listed_statements_and_no_other()
    {
        await using var postgres = await PostgreSqlServer.StartAsync(
            "log_statement=all", "log_line_prefix=%a %p|", "logging_collector=on", "log_directory=log", "log_filename=all.log");
        var settings = new Dictionary<string, string?>
        {
            ["Storage:Provider"] = "PostgreSql",
            ["ConnectionStrings:Oath"] = await postgres.CreateDatabaseAsync(),
            ["Monitoring:SampleSeconds"] = "86400",
        };
        await using (var server = await ServerUnderTest.StartAsync(settings))
        {
            await server.AddTokenAsync("HOT1", Codes.Secret, user: "anna");
            await server.Client(Roles.RelyingParty);
            Assert.True(await server.AcceptsAsync("HOT1", Codes.Hotp(Codes.Secret, 0)));
            await postgres.ExecuteAsync(Mark);
            Assert.True(await server.AcceptsAsync("HOT1", Codes.Hotp(Codes.Secret, 1)));
            Assert.False(await server.AcceptsAsync("HOT1", Codes.Hotp(Codes.Secret, 1)));
            Assert.False(await server.AcceptsAsync("HOT1", "000000"));
            Assert.False(await server.AcceptsAsync("HOT2", "000000"));
        }

        var log = await File.ReadAllTextAsync(Path.Combine(postgres.DataFolder, "log", "all.log"), TestContext.Current.CancellationToken);
        var said = Statement().Matches(log[log.IndexOf(Mark, StringComparison.Ordinal)..])
            .Select(m => (Process: m.Groups[1].Value, Text: Spaces().Replace(m.Groups[2].Value, " ").Trim())).ToList();
        // The connections of the writer and of the reader of tokens: they are nobody else's.
        var hot = said.Where(s => s.Text.Contains("token_counters", StringComparison.Ordinal) && !s.Text.Contains(" AS ", StringComparison.Ordinal))
            .Select(s => s.Process).ToHashSet(StringComparer.Ordinal);
        var seen = said.Where(s => hot.Contains(s.Process) && !TransactionControl().IsMatch(s.Text)).Select(s => s.Text).Distinct(StringComparer.Ordinal).ToList();
        var listed = File.ReadAllLines(Path.Combine(Tidy.SourceTree.Root, "tests/OathServer.Tests/Databases/hot-path-statements.txt"))
            .Where(line => line.Length > 0 && line[0] != '#').ToList();
        Assert.True(seen.Count >= 4, log);
        Assert.True(!seen.Except(listed, StringComparer.Ordinal).Any(), "Not listed:\n" + string.Join('\n', seen.Except(listed, StringComparer.Ordinal)));
    }

    [GeneratedRegex(@"OathServer ([0-9]+)\|LOG:  (?:execute [^:]+|statement): ((?:.|\n\t)*)")]
    private static partial Regex Statement();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();

    [GeneratedRegex("^(BEGIN|COMMIT|ROLLBACK)")]
    private static partial Regex TransactionControl();
}
