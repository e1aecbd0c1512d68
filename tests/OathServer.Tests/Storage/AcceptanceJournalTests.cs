using System.Net;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Access;
using OathServer.Storage;

namespace OathServer.Tests.Storage;

/// <summary>A journal whose disk takes nothing: refused, nothing accepted twice, and complete again once it does.</summary>
public class AcceptanceJournalTests
{
    [Fact]
    public async Task A_journal_that_takes_nothing_costs_one_batch_of_codes_and_stops_all_others_undecided()
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("oathserver-journal-").FullName, "acceptances.jsonl");
        await using (var server = await ServerUnderTest.StartAsync(new Dictionary<string, string?> { ["Journal:File"] = file }))
        {
            await server.AddTokenAsync("J1", Codes.Secret);
            var client = await server.Client(Roles.RelyingParty);
            Assert.Equal((HttpStatusCode.OK, false), await ValidateAsync(client, 0));
            var journal = server.Services.GetRequiredService<AcceptanceJournal>();
            var good = FileOf(journal);

            await using (var full = new FileStream("/dev/full", FileMode.Open, FileAccess.Write))
            {
                FileOf(journal) = full;
                // Committed, then not journalled: the code is used up, and nobody was let in by it.
                Assert.Equal((HttpStatusCode.ServiceUnavailable, true), await ValidateAsync(client, 1));
                Assert.Equal(2, (await server.CounterAsync("J1")).Counter);
                // From then on nothing is decided.
                Assert.Equal((HttpStatusCode.ServiceUnavailable, true), await ValidateAsync(client, 2));
                Assert.Equal((2, 0), ((await server.CounterAsync("J1")).Counter, (await server.CounterAsync("J1")).Failures));
                FileOf(journal) = good;
            }

            // The next code lets the holder in, and the journal has what it missed.
            Assert.Equal((HttpStatusCode.OK, false), await ValidateAsync(client, 2));
            var kept = await server.WithDatabase(db => Task.FromResult(db.ValidationBatches.OrderBy(b => b.Sequence).Select(b => b.Sequence).ToList()));
            Assert.Equal(kept, AcceptanceJournal.Read(file).Select(b => b.Sequence));
        }

        Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
    }

    private static async Task<(HttpStatusCode Status, bool Again)> ValidateAsync(HttpClient client, int counter)
    {
        using var reply = await client.PostAsJsonAsync(
            "/v1/validate", new { serial = "J1", code = Codes.Hotp(Codes.Secret, counter) }, TestContext.Current.CancellationToken);
        return (reply.StatusCode, reply.Headers.RetryAfter is not null);
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "file")]
    private static extern ref FileStream FileOf(AcceptanceJournal journal);
}
