using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Provisioning;
using OathServer.Storage;
using SecurityKeys.Virtual;

namespace OathServer.Tests.Provisioning;

public class ReseedTests
{
    private const string Reader = "desk 1";

    [Fact]
    public async Task A_reseeded_key_carries_a_new_seed_its_codes_are_accepted_once_and_those_of_the_old_one_never_again()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var key = await ProvisionAsync(server, 72000, "A1");
        var client = await server.Client();

        using var reply = await client.PostAsJsonAsync("/v1/tokens/A1/reseed", new { reader = Reader }, Cancel);

        var body = await reply.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        Assert.True(reply.StatusCode == HttpStatusCode.OK, body.ToString());
        Assert.Equal(("switched", 2), (body.GetProperty("state").GetString(), body.GetProperty("generation").GetInt32()));
        var (secret, counter) = OnKey(key);
        Assert.Equal(20, secret.Length);
        Assert.NotEqual(Codes.Secret, secret);
        var code = Codes.Hotp(secret, counter);
        Assert.True(await server.AcceptsAsync("A1", code));
        Assert.False(await server.AcceptsAsync("A1", code));
        Assert.False(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 6)));
        Assert.Empty(await server.WithDatabase(db => db.PendingSeeds.ToListAsync(Cancel)));
        Assert.Equal(["staged", "switched"], await server.WithDatabase(db =>
            db.Audit.Where(e => e.Action == "token.reseed").OrderBy(e => e.Sequence).Select(e => e.Outcome).ToListAsync(Cancel)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_key_pulled_at_any_command_of_a_reseed_still_makes_codes_that_are_accepted(bool answerLost)
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = await server.Client();
        var cuts = 0;
        for (var n = 1; ; n++)
        {
            var serial = $"A{n}";
            var key = await ProvisionAsync(server, (uint)(73000 + n), serial);
            if (answerLost)
            {
                key.PullAfter(n);
            }
            else
            {
                key.PullBefore(n);
            }

            using var cut = await client.PostAsJsonAsync($"/v1/tokens/{serial}/reseed", new { reader = Reader }, Cancel);
            if (cut.StatusCode == HttpStatusCode.OK
                && (await cut.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("state").GetString() == "switched")
            {
                break;
            }

            cuts++;
            // The holder goes home with the key as it is.
            var (secret, counter) = OnKey(key);
            var code = Codes.Hotp(secret, counter);
            Assert.True(await server.AcceptsAsync(serial, code), $"cut at command {n}");
            Assert.False(await server.AcceptsAsync(serial, code), $"cut at command {n}: accepted twice");

            using var again = await client.PostAsJsonAsync($"/v1/tokens/{serial}/reseed", new { reader = Reader }, Cancel);
            var body = await again.Content.ReadFromJsonAsync<JsonElement>(Cancel);
            Assert.True(body.GetProperty("state").GetString() == "switched", $"cut at command {n}: {body}");
            (secret, counter) = OnKey(key);
            Assert.NotEqual(Codes.Secret, secret);
            Assert.True(await server.AcceptsAsync(serial, Codes.Hotp(secret, counter)), $"cut at command {n}: after the repeat");
        }

        Assert.True(cuts >= 6, $"only {cuts} cut points were walked");
    }

    [Fact]
    public async Task Another_key_in_the_reader_is_refused_and_nothing_is_staged()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await ProvisionAsync(server, 72000, "A1");
        var other = new VirtualKey(new VirtualKeyOptions { Serial = 72001 });
        server.Services.GetRequiredService<KeyReaders>().Plug(Reader, KeyReaders.VirtualKind, other.Connect);
        var client = await server.Client();

        using var reply = await client.PostAsJsonAsync("/v1/tokens/A1/reseed", new { reader = Reader }, Cancel);

        Assert.Equal(HttpStatusCode.UnprocessableEntity, reply.StatusCode);
        Assert.Empty(await server.WithDatabase(db => db.PendingSeeds.ToListAsync(Cancel)));
    }

    private static async Task<VirtualKey> ProvisionAsync(ServerUnderTest server, uint keySerial, string serial)
    {
        await server.AddTokenAsync(serial, Codes.Secret, counter: 5, state: TokenState.Imported);
        var key = new VirtualKey(new VirtualKeyOptions { Serial = keySerial });
        server.Services.GetRequiredService<KeyReaders>().Plug(Reader, KeyReaders.VirtualKind, key.Connect);
        using var reply = await (await server.Client()).PostAsJsonAsync("/v1/provisioning", new { reader = Reader, serial, user = "user of " + serial }, Cancel);
        Assert.Equal(HttpStatusCode.Created, reply.StatusCode);
        return key;
    }

    private static (byte[] Secret, long Counter) OnKey(VirtualKey key)
    {
        var credential = Assert.Single(key.Peek().Oath);
        return (credential.Secret, credential.MovingFactor);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
