using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Net.Pkcs11Interop.Common;
using Net.Pkcs11Interop.HighLevelAPI;
using OathServer.Access;
using OathServer.Secrets;

namespace OathServer.Tests.Secrets;

/// <summary>The sealing key in a PKCS#11 token: SoftHSM 2.</summary>
public class TokenKeyTests
{
    private static readonly SealedPlace Place = SealedPlace.TokenSecret("A1", 1);

    [Fact]
    public void A_value_sealed_in_the_token_opens_only_at_its_place_and_only_unchanged()
    {
        using var ring = RingOf(SoftHsm.Take());
        var sealer = new Sealer(ring);
        var blob = sealer.Seal(Codes.Secret, Place);

        Assert.Equal(Codes.Secret, sealer.Open(blob, Place));
        Assert.Throws<SealBrokenException>(() => sealer.Open(blob, SealedPlace.TokenSecret("A2", 1)));
        for (var at = 1; at < blob.Length; at++)
        {
            var edited = blob.ToArray();
            edited[at] ^= 1;
            Assert.Throws<SealBrokenException>(() => sealer.Open(edited, Place));
        }

        Assert.Equal(Codes.Secret, sealer.Open(blob, Place));
    }

    [Fact]
    public void The_key_cannot_leave_the_token()
    {
        var hsm = SoftHsm.Take();
        using var ring = RingOf(hsm);
        var factories = new Pkcs11InteropFactories();
        // Not disposed: that would end the sessions of this whole process.
        var library = factories.Pkcs11LibraryFactory.LoadPkcs11Library(factories, SoftHsm.Module, AppType.MultiThreaded);
        using var session = library.GetSlotList(SlotsType.WithTokenPresent).Single(s => s.GetTokenInfo().Label.TrimEnd() == hsm.Label).OpenSession(SessionType.ReadOnly);

        var key = Assert.Single(session.FindAllObjects([factories.ObjectAttributeFactory.Create(CKA.CKA_LABEL, "oathserver")]));
        var told = session.GetAttributeValue(key, [CKA.CKA_SENSITIVE, CKA.CKA_EXTRACTABLE, CKA.CKA_NEVER_EXTRACTABLE, CKA.CKA_VALUE]);

        Assert.Equal((true, false, true), (told[0].GetValueAsBool(), told[1].GetValueAsBool(), told[2].GetValueAsBool()));
        Assert.True(told[3].CannotBeRead);
    }

    [Fact]
    public async Task A_server_on_a_token_writes_no_key_file_and_needs_the_same_token_again()
    {
        var (hsm, other) = (SoftHsm.Take(), SoftHsm.Take());
        var folder = Directory.CreateTempSubdirectory("oathserver-test-").FullName;
        await using (var server = await ServerUnderTest.StartAsync(hsm.Settings(), folder))
        {
            await server.AddTokenAsync("A1", Codes.Secret);
        }

        await using (var server = await ServerUnderTest.StartAsync(hsm.Settings(), folder))
        {
            Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 0)));
        }

        Assert.Empty(Directory.GetFiles(folder, "sealing.key*"));
        var elsewhere = await Assert.ThrowsAsync<InvalidOperationException>(() => ServerUnderTest.StartAsync(other.Settings(), folder));
        Assert.Contains("holds no AES key", elsewhere.Message, StringComparison.Ordinal);
        using (RingOf(other))
        {
            var foreign = await Assert.ThrowsAsync<InvalidOperationException>(() => ServerUnderTest.StartAsync(other.Settings(), folder));
            Assert.Contains("this database was sealed with", foreign.Message, StringComparison.Ordinal);
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void A_wrong_PIN_is_tried_once_and_neither_it_nor_the_right_one_is_told()
    {
        var hsm = SoftHsm.Take();
        var log = new LogLines();
        using (var token = TokenOf(hsm, log, pin: "wrong-" + hsm.Pin))
        {
            var first = Assert.Throws<TokenUnavailableException>(() => token.Read(mayCreate: true));
            var second = Assert.Throws<TokenUnavailableException>(() => token.Read(mayCreate: true));
            Assert.Contains("CKR_PIN_INCORRECT", first.Message, StringComparison.Ordinal);
            Assert.Equal(first.Message, second.Message);
            Assert.Single(log.All);
            Assert.DoesNotContain(hsm.Pin, first + string.Concat(log.All), StringComparison.Ordinal);
        }

        using var ring = RingOf(hsm);
        Assert.NotEmpty(new Sealer(ring).Seal(Codes.Secret, Place));
    }

    [Fact]
    public async Task Values_move_from_a_file_into_the_token_and_back_and_nothing_is_lost()
    {
        var hsm = SoftHsm.Take();
        var folder = Directory.CreateTempSubdirectory("oathserver-test-").FullName;
        var file = Path.Combine(folder, "sealing.key");
        await using (var server = await ServerUnderTest.StartAsync(folder: folder))
        {
            await server.AddTokenAsync("A1", Codes.Secret);
        }

        var code = 0;
        await using (var server = await ServerUnderTest.StartAsync(hsm.Settings(), folder))
        {
            Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, code++)));
            await RewrapAsync(server);
        }

        File.Move(file, file + "-away");
        await using (var server = await ServerUnderTest.StartAsync(hsm.Settings(), folder))
        {
            Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, code++)));
        }

        var back = hsm.Settings();
        back["Secrets:Provider"] = "File";
        await using (var server = await ServerUnderTest.StartAsync(back, folder))
        {
            await RewrapAsync(server);
        }

        await using (var server = await ServerUnderTest.StartAsync(folder: folder))
        {
            Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, code++)));
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void A_rotation_inside_the_token_is_seen_by_a_ring_that_was_open_and_the_key_before_can_be_destroyed()
    {
        var hsm = SoftHsm.Take();
        using var server = RingOf(hsm);
        var before = server.Current.Id;
        var blob = new Sealer(server).Seal(Codes.Secret, Place);
        using (var command = RingOf(hsm))
        {
            var next = command.Rotate().Id;
            Assert.NotEqual(before, next);
            blob = new Sealer(command).Rewrap(blob, Place);
            Assert.Equal(next, Sealer.KeyIdOf(blob));
            Assert.True(command.Remove(before));
            Assert.Throws<InvalidOperationException>(() => command.Remove(next));
        }

        Assert.Equal(Codes.Secret, new Sealer(server).Open(blob, Place));
        Assert.NotEqual(before, server.Current.Id);
        using var later = RingOf(hsm);
        Assert.Null(later.Find(before));
    }

    [Fact]
    public async Task While_the_token_is_away_what_it_must_open_is_refused_and_served_again_once_it_is_back()
    {
        var hsm = SoftHsm.Take();
        await using var server = await ServerUnderTest.StartAsync(hsm.Settings());
        await server.AddTokenAsync("A1", Codes.Secret);
        await server.AddTokenAsync("B1", Codes.Secret);
        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 0)));
        var client = await server.Client(Roles.RelyingParty);

        hsm.Pull();
        using (var refused = await client.PostAsJsonAsync("/v1/validate", new { serial = "B1", code = Codes.Hotp(Codes.Secret, 0) }, Cancel))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        }

        Assert.StartsWith("degraded: the token", await client.GetStringAsync("/health/ready", Cancel), StringComparison.Ordinal);
        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 1)));
        Assert.Equal((0, 0), ((await server.CounterAsync("B1")).Counter, (await server.CounterAsync("B1")).Failures));

        hsm.PutBack();
        for (var tries = 0; ; tries++)
        {
            using var reply = await client.PostAsJsonAsync("/v1/validate", new { serial = "B1", code = Codes.Hotp(Codes.Secret, 0) }, Cancel);
            if (reply.StatusCode == HttpStatusCode.OK)
            {
                Assert.Contains("true", await reply.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
                break;
            }

            Assert.True(tries < 200, "the token is back, and not used");
            await Task.Delay(50, Cancel);
        }

        Assert.Equal("ready\n", await client.GetStringAsync("/health/ready", Cancel));
    }

    [Theory]
    [InlineData("Secrets:Provider", "Vault", "must be File, Settings or Pkcs11")]
    [InlineData("Secrets:Provider", "Pkcs11", "Secrets:Pkcs11:Library is not set")]
    [InlineData("Secrets:Pkcs11:Library", "/nowhere/module.so", "Secrets:Pkcs11:Token")]
    public async Task Settings_that_do_not_fit_are_named(string setting, string value, string says)
    {
        var fault = await Assert.ThrowsAsync<InvalidOperationException>(() => ServerUnderTest.StartAsync(new Dictionary<string, string?> { [setting] = value }));
        Assert.Contains(says, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_module_that_is_none_and_a_token_that_is_not_there_are_named()
    {
        using var missing = new TokenKeys(new TokenAddress("/nowhere/module.so", "t", "k", () => []), NullLogger.Instance);
        Assert.Contains("/nowhere/module.so", Assert.Throws<TokenUnavailableException>(() => missing.Read(mayCreate: true)).Message, StringComparison.Ordinal);
        SoftHsm.MakeReady();
        using var absent = new TokenKeys(new TokenAddress(SoftHsm.Module, "no such token", "k", () => []), NullLogger.Instance);
        Assert.Contains("no such token", Assert.Throws<TokenUnavailableException>(() => absent.Read(mayCreate: true)).Message, StringComparison.Ordinal);
    }

    private static async Task RewrapAsync(ServerUnderTest server)
    {
        var sealer = server.Services.GetRequiredService<Sealer>();
        await server.WithDatabase(db => new Rewrapping(sealer).RunAsync(db, (_, _) => { }, Cancel));
        Assert.Equal([sealer.KeyId], (await server.WithDatabase(db => Rewrapping.CountAsync(db, Cancel))).Keys);
    }

    private static KeyRing RingOf(SoftHsm hsm) => new(TokenOf(hsm, NullLogger.Instance, hsm.Pin), [], mayCreate: true);

    private static TokenKeys TokenOf(SoftHsm hsm, ILogger log, string pin) =>
        new(new TokenAddress(SoftHsm.Module, hsm.Label, "oathserver", () => System.Text.Encoding.UTF8.GetBytes(pin)), log);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
