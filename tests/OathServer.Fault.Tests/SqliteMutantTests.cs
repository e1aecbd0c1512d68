using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using OathServer.Storage;
using OathServer.Tests;
using OathServer.Validation;

namespace OathServer.Fault.Tests;

/// <summary>Two writers of one SQLite file fed the same codes, with one guard taken out at a time. The transaction's lock
/// and the compare-and-set each hold alone; with both gone a code is accepted twice, and the ledger sees it.</summary>
public class SqliteMutantTests
{
    private const string Serial = "M1";
    private const int CodesMax = 2000;

    private static readonly SqliteStatements AsServed = new();

    private static readonly SqliteStatements WithoutLock = AsServed with { Begin = "SELECT 1", Commit = "SELECT 1" };

    private static readonly string Unconditional =
        AsServed.Update.Replace("AND counter = ?9 AND generation = ?10", "AND ?9 = ?9 AND ?10 = ?10", StringComparison.Ordinal);

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task Either_guard_alone_keeps_a_code_from_being_accepted_twice(bool locks, bool compares)
    {
        var ledger = await RaceAsync(locks, compares, codes: 150);

        Assert.Empty(ledger.AcceptedTwice);
        Assert.True(ledger.Total >= 100, $"only {ledger.Total} codes were accepted");
    }

    [Fact]
    public async Task With_both_guards_gone_the_ledger_sees_a_code_accepted_twice()
    {
        Assert.NotEqual(AsServed.Update, Unconditional);

        var ledger = await RaceAsync(locks: false, compares: false, CodesMax);

        Assert.NotEmpty(ledger.AcceptedTwice);
    }

    /// <summary>Offers each code to both writers at once, until one was accepted twice or all were offered.</summary>
    private static async Task<AcceptanceLedger> RaceAsync(bool locks, bool compares, int codes)
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync(Serial, Codes.Secret);
        var facts = await server.Services.GetRequiredService<CredentialCache>().BySerialAsync(Serial, Cancel);
        var policy = server.Services.GetRequiredService<ValidationPolicy>();
        var statements = (locks ? AsServed : WithoutLock) with { Update = compares ? AsServed.Update : Unconditional };
        using var one = await StartAsync(server, statements);
        using var two = await StartAsync(server, statements);
        var ledger = new AcceptanceLedger();
        for (var counter = 0; counter < codes && ledger.AcceptedTwice.Count == 0; counter++)
        {
            var code = Codes.Hotp(Codes.Secret, counter);
            await Task.WhenAll(OfferAsync(one), OfferAsync(two));

            async Task OfferAsync(CounterCommit writer)
            {
                var attempt = new ValidationAttempt(facts, code, Serial, bySerial: true, apiKeyId: 0, policy);
                try
                {
                    await writer.SubmitAsync(new Unlogged(attempt));
                }
                catch (StorageUnavailableException)
                {
                    return; // the compare-and-set refused the batch
                }

                if (attempt.Outcome == Outcome.Accepted)
                {
                    ledger.Accepted(Serial, counter);
                }
            }
        }

        return ledger;
    }

    private static async Task<CounterCommit> StartAsync(ServerUnderTest server, SqliteStatements statements)
    {
        var store = new SqliteCounterStore(server.Services.GetRequiredService<SqliteConnections>(), new byte[32], statements: statements);
        var commit = new CounterCommit(store, TimeProvider.System, NullLogger<CounterCommit>.Instance);
        await commit.StartAsync(Cancel);
        return commit;
    }

    /// <summary>An attempt that leaves no trace in the chained log, whose gapless numbers would be a third guard.</summary>
    private sealed class Unlogged(CounterChange attempt) : CounterChange
    {
        private readonly ValidationLog nowhere = new();

        public override ReadOnlySpan<long> TokenIds => attempt.TokenIds;

        public override void Decide(CounterRows rows, DateTimeOffset now, ValidationLog log) => attempt.Decide(rows, now, nowhere);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
