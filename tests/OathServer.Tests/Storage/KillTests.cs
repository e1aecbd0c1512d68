using System.Net.Http.Json;
using System.Text.Json;
using OathServer.Access;

namespace OathServer.Tests.Storage;

/// <summary>A real server process killed in the middle of its work, again and again. OATHSERVER_KILLS says how often.</summary>
public class KillTests
{
    private const int Tokens = 8;
    private const int AcceptedInARound = 100;

    private static readonly int Kills = int.TryParse(Environment.GetEnvironmentVariable("OATHSERVER_KILLS"), out var kills) ? kills : 40;

    [Fact]
    public async Task No_code_accepted_before_a_kill_is_accepted_after_the_restart()
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-kill-").FullName;
        var streams = Enumerable.Range(0, Tokens).Select(token => new CodeStream($"K{token}", [.. Codes.Secret[1..], (byte)token])).ToArray();
        string key;
        await using (var server = await ServerUnderTest.StartAsync(folder: folder))
        {
            foreach (var stream in streams)
            {
                await server.AddTokenAsync(stream.Serial, stream.Secret);
            }

            key = await server.CreateKeyAsync("clients", Roles.Administrator);
        }

        var random = new Random(1);
        for (var kill = 0; kill < Kills; kill++)
        {
            await using var server = await ServerProcess.StartAsync(folder);
            using var client = server.Client(key);
            var goal = streams.Sum(stream => stream.Accepted) + random.Next(AcceptedInARound, 2 * AcceptedInARound);
            var running = Array.ConvertAll(streams, stream => stream.RunAsync(client));
            await UntilAsync(() => streams.Sum(stream => stream.Accepted) >= goal);
            await server.KillAsync();
            await Task.WhenAll(running);
        }

        Assert.True(streams.Sum(stream => stream.Accepted) >= Kills * AcceptedInARound, "too few codes were accepted");
        await using var after = await ServerUnderTest.StartAsync(folder: folder);
        var staff = await after.Client(Roles.HelpDesk);
        foreach (var stream in streams)
        {
            var next = (await after.CounterAsync(stream.Serial)).Counter;
            Assert.InRange(next, stream.Accepted, stream.Accepted + 1);
            foreach (var used in Enumerable.Range(0, (int)stream.Accepted).TakeLast(20))
            {
                (await staff.PostAsync($"/v1/tokens/{stream.Serial}/unlock", content: null, Cancel)).Dispose();
                Assert.False(await after.AcceptsAsync(stream.Serial, Codes.Hotp(stream.Secret, used)), $"{stream.Serial} accepted the used code of counter {used}");
            }
        }

        await after.StopAsync();
        Directory.Delete(folder, recursive: true);
    }

    private static async Task UntilAsync(Func<bool> holds)
    {
        for (var looks = 0; !holds(); looks++)
        {
            Assert.True(looks < 3000, "nothing was accepted for half a minute");
            await Task.Delay(10, Cancel);
        }
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>The caller of one token, who sends its codes in order, each until the server is gone.</summary>
    private sealed class CodeStream(string serial, byte[] secret)
    {
        private long next;

        public string Serial => serial;

        public byte[] Secret => secret;

        /// <summary>The counter after the last one that the server said is spent.</summary>
        public long Accepted => Interlocked.Read(ref next);

        /// <summary>Goes on where the server stands, which is never before what it acknowledged, nor past what was sent.</summary>
        public async Task RunAsync(HttpClient client)
        {
            try
            {
                var token = await client.GetFromJsonAsync<JsonElement>($"/v1/tokens/{serial}", Cancel);
                var stands = token.GetProperty("counter").GetInt64();
                // The answer to one code at most was lost with the server.
                Assert.InRange(stands, Accepted, Accepted + 1);
                Interlocked.Exchange(ref next, stands);
                if (stands > 0)
                {
                    Assert.False(await AcceptsAsync(client, stands - 1), $"{serial} accepted the used code of counter {stands - 1}");
                }

                for (; await AcceptsAsync(client, stands); stands++)
                {
                    Interlocked.Exchange(ref next, stands + 1);
                }

                Assert.Fail($"{serial} refused the code of counter {stands}");
            }
            catch (Exception gone) when (gone is HttpRequestException or IOException or JsonException)
            {
                // The server was killed: what was not acknowledged may or may not have been accepted.
            }
        }

        private async Task<bool> AcceptsAsync(HttpClient client, long counter)
        {
            using var reply = await client.PostAsJsonAsync("/v1/validate", new { serial, code = Codes.Hotp(secret, counter) }, Cancel);
            return (await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("accepted").GetBoolean();
        }
    }
}
