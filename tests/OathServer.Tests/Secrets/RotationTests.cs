using System.Net.Http.Json;
using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Access;
using OathServer.Provisioning;
using OathServer.Secrets;
using OathServer.Storage;
using SecurityKeys.Virtual;

namespace OathServer.Tests.Secrets;

public class RotationTests
{
    [Fact]
    public async Task A_running_server_goes_on_under_a_new_key_and_the_old_one_may_go_once_nothing_needs_it()
    {
        await using var server = await WithEverythingSealedAsync();
        var folder = server.Folder;
        var earlier = KeyRing.OfFile(Path.Combine(folder, "sealing.key"), mayCreate: false);
        var old = earlier.Current.Id;
        // As the command does it, in a process of its own that the server knows nothing of.
        var ring = KeyRing.OfFile(Path.Combine(folder, "sealing.key"), mayCreate: false);
        var next = ring.Rotate();
        var sealer = new Sealer(ring);
        var before = await CountAsync(server);
        Assert.True(before[old] > 8 && before.Count == 1);

        // Stopped in the middle, it goes on from there.
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => server.WithDatabase(db =>
            new Rewrapping(sealer).RunAsync(db, (table, _) => { if (table == "records") { stop.Cancel(); } }, stop.Token)));
        Assert.True((await CountAsync(server)).Count == 2);
        Assert.True(await server.AcceptsAsync("B1", Codes.Hotp(Codes.Secret, 0)));
        var done = await server.WithDatabase(db => new Rewrapping(sealer).RunAsync(db, (_, _) => { }, Cancel));

        Assert.True(done > 0);
        var after = await CountAsync(server);
        Assert.Equal([next.Id], after.Keys);
        Assert.Equal(before[old], after[next.Id]);
        Assert.True(ring.Remove(old));
        Assert.True(await server.AcceptsAsync("B1", Codes.Hotp(Codes.Secret, 1)));
        using var policy = await (await server.Client()).PutAsJsonAsync("/v1/realms/default/policy", new { pin = "before-code" }, Cancel);
        Assert.False(await server.AcceptsAsync("B1", Codes.Hotp(Codes.Secret, 2)));
        Assert.True(await server.AcceptsAsync("B1", "47110815" + Codes.Hotp(Codes.Secret, 2)));
        using var puk = await (await server.Client(Roles.HelpDesk)).PostAsJsonAsync("/v1/records/00011170/puk/reveal", new { reason = "rotation test" }, Cancel);
        Assert.True(puk.IsSuccessStatusCode);
    }

    [Fact]
    public async Task A_rotation_killed_before_its_first_value_leaves_a_store_that_starts()
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-test-").FullName;
        await using (var server = await ServerUnderTest.StartAsync(folder: folder))
        {
            await server.AddTokenAsync("A1", Codes.Secret);
        }

        _ = KeyRing.OfFile(Path.Combine(folder, "sealing.key"), mayCreate: false).Rotate();
        await using (var server = await ServerUnderTest.StartAsync(folder: folder))
        {
            Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 0)));
            Assert.Equal(2, (await server.WithDatabase(db => db.SealingKeys.CountAsync(Cancel))));
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task No_sealed_column_is_forgotten()
    {
        await using var server = await WithEverythingSealedAsync();
        await server.WithDatabase(async db =>
        {
            var columns = db.Model.GetEntityTypes().SelectMany(e => e.GetProperties())
                .Where(p => p.Name.StartsWith("Sealed", StringComparison.Ordinal) && p.ClrType == typeof(byte[])).Select(p => $"{p.DeclaringType.ClrType.Name}.{p.Name}");
            Assert.Equal(
                ["CookieKey.SealedValue", "KeyRecord.SealedManagementKey", "KeyRecord.SealedPin", "KeyRecord.SealedPuk",
                    "PendingSeed.SealedSecret", "ProvisioningStep.SealedNew", "ProvisioningStep.SealedOld", "ServerSecret.SealedValue", "Token.SealedSecret", "TokenPin.SealedVerifier", "Webhook.SealedSecret"],
                columns.Order(StringComparer.Ordinal));
            return await Task.FromResult(0);
        });
    }

    [Fact]
    public void A_key_from_the_settings_seals_and_earlier_ones_open()
    {
        var (first, second) = (RandomNumberGenerator.GetHexString(64), RandomNumberGenerator.GetHexString(64));
        var place = SealedPlace.TokenSecret("A1", 1);
        using var before = KeyRing.OfSettings(first, retired: null);
        using var after = KeyRing.OfSettings(second, first);
        var blob = new Sealer(before).Seal(Codes.Secret, place);

        Assert.Equal(Codes.Secret, new Sealer(after).Open(blob, place));
        Assert.Equal(after.Current.Id, Sealer.KeyIdOf(new Sealer(after).Rewrap(blob, place)));
        Assert.Contains("Secrets:Key", Assert.Throws<InvalidOperationException>(() => KeyRing.OfSettings("xyz", null)).Message, StringComparison.Ordinal);
    }

    private static Task<Dictionary<string, long>> CountAsync(ServerUnderTest server) => server.WithDatabase(db => Rewrapping.CountAsync(db, Cancel));

    private static async Task<ServerUnderTest> WithEverythingSealedAsync()
    {
        var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync("A1", Codes.Secret, counter: 5, state: TokenState.Imported);
        await server.AddTokenAsync("B1", Codes.Secret);
        using var pin = await (await server.Client()).PutAsJsonAsync("/v1/tokens/B1/pin", new { pin = "47110815", reason = "rotation test" }, Cancel);
        pin.EnsureSuccessStatusCode();
        var key = new VirtualKey(new VirtualKeyOptions { Serial = 70000 });
        server.Services.GetRequiredService<KeyReaders>().Plug("desk 1", KeyReaders.VirtualKind, key.Connect);
        using var reply = await (await server.Client()).PostAsJsonAsync("/v1/provisioning", new { reader = "desk 1", serial = "A1", user = "alice" }, Cancel);
        reply.EnsureSuccessStatusCode();
        return server;
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
