using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Provisioning;
using OathServer.Storage;
using SecurityKeys.Cards;
using SecurityKeys.Virtual;

namespace OathServer.Tests.Provisioning;

/// <summary>
/// A key that cannot tell its PUK's tries (firmware before 5.3), pulled again and again while its PUK is changed: every
/// order of up to four pulls, before the command and after it.
/// </summary>
public class CutAtThePukTests
{
    private const int PullsMax = 4;
    private const string Reader = "desk";

    [Fact]
    public async Task However_often_a_key_is_pulled_while_its_puk_changes_the_last_try_is_never_spent()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = await server.Client();
        var (keys, finished) = (0, 0);
        foreach (var pulls in Orders(PullsMax))
        {
            var serial = $"A{++keys}";
            await server.AddTokenAsync(serial, Codes.Secret, state: TokenState.Imported);
            var key = new VirtualKey(new VirtualKeyOptions { Serial = (uint)(76000 + keys), Firmware = new Version(5, 2, 7) });
            var left = new Queue<bool>(pulls);
            server.Services.GetRequiredService<KeyReaders>().Plug(Reader, KeyReaders.VirtualKind, () => new PulledAtThePuk(key.Connect(), left));
            var what = string.Join(", ", pulls.Select(after => after ? "after" : "before"));

            var job = await AnswerAsync(await client.PostAsJsonAsync("/v1/provisioning", new { reader = Reader, serial, user = $"user {keys}" }, Cancel));
            for (var round = 0; round < pulls.Length && job.GetProperty("state").GetString() != "confirmed"; round++)
            {
                job = await AnswerAsync(await client.PostAsJsonAsync($"/v1/provisioning/{job.GetProperty("id").GetGuid()}/resume", new { reader = Reader }, Cancel));
            }

            await KeyVerdict.AssertNothingUnknownAsync(server, key, Cuid.FromSerial(key.Options.Serial).Text, what);
            var piv = key.Peek().Piv;
            if (job.GetProperty("state").GetString() == "confirmed")
            {
                finished++;
                Assert.Equal(piv.PukTriesTotal, piv.PukTriesLeft);
                continue;
            }

            // One pull more than two of them in doubt: it is set aside in words.
            Assert.True(pulls.Length > 2, $"{what}: {job}");
            Assert.Contains("the last is never spent", job.GetProperty("trouble").GetString(), StringComparison.Ordinal);
        }

        Assert.True(finished > keys / 4, $"{finished} of {keys} were finished");
    }

    private static async Task<JsonElement> AnswerAsync(HttpResponseMessage reply)
    {
        using (reply)
        {
            Assert.True(reply.IsSuccessStatusCode, await reply.Content.ReadAsStringAsync(Cancel));
            return await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        }
    }

    private static IEnumerable<bool[]> Orders(int most) => Enumerable.Range(1, most)
        .SelectMany(length => Enumerable.Range(0, 1 << length).Select(bits => Enumerable.Range(0, length).Select(i => (bits >> i & 1) == 1).ToArray()));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Pulled at each CHANGE REFERENCE DATA of the PUK (SP 800-73-4 part 2, §3.2.2) until the pulls are used up.</summary>
    private sealed class PulledAtThePuk(ISmartCardConnection card, Queue<bool> pulls) : ISmartCardConnection
    {
        public string ReaderName => card.ReaderName;

        public ReadOnlyMemory<byte> AnswerToReset => card.AnswerToReset;

        public byte[] Transmit(ReadOnlySpan<byte> command)
        {
            if (command is not [_, 0x24, _, 0x81, ..] || !pulls.TryDequeue(out var after))
            {
                return card.Transmit(command);
            }

            _ = after ? card.Transmit(command) : [];
            throw new CardRemovedException(card.ReaderName);
        }

        public IDisposable BeginTransaction() => card.BeginTransaction();

        public void Dispose() => card.Dispose();
    }
}
