using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Provisioning;
using OathServer.Provisioning.Steps;
using OathServer.Secrets;
using OathServer.Storage;
using SecurityKeys.Piv;
using SecurityKeys.Virtual;

namespace OathServer.Tests.Provisioning;

/// <summary>Whether what is on a key is what the server says of it, and what a person is asked for on the way.</summary>
internal static class KeyVerdict
{
    private const int AskedAgainMax = 2;
    private static readonly byte[] HolderPin = "739164"u8.ToArray();

    /// <summary>What a person is asked for: a PIN of the holder's own, or a touch, whose code is returned.</summary>
    public static string? Act(VirtualKey key, string? trouble)
    {
        if (trouble?.Contains("Let the holder", StringComparison.Ordinal) == true && !key.Peek().Piv.Pin.AsSpan().SequenceEqual(HolderPin))
        {
            Assert.True(PivApplication.Select(key.Connect()).ChangePin(PivApplication.FactoryPin, HolderPin).Accepted);
        }

        return trouble?.StartsWith("Touch the key", StringComparison.Ordinal) == true ? key.Touch(2) : null;
    }

    /// <summary>Each secret on the key is the factory's, the record's, the holder's, or one of the journal's.</summary>
    public static async Task AssertNothingUnknownAsync(ServerUnderTest server, VirtualKey key, string cuid, string what)
    {
        var sealer = server.Services.GetRequiredService<Sealer>();
        var contents = key.Peek();
        List<byte[]> known = [PivApplication.FactoryPin.ToArray(), PivApplication.FactoryPuk.ToArray(), PivApplication.FactoryManagementKey.ToArray(), HolderPin];
        await server.WithDatabase(async db =>
        {
            foreach (var step in await db.Jobs.Where(j => j.Cuid == cuid).SelectMany(j => j.Steps).AsNoTracking().ToListAsync(Cancel))
            {
                if (step.SealedNew is { } value)
                {
                    known.Add(sealer.Open(value, SealedPlace.StepNew(step.JobId, step.Ordinal)));
                }
            }

            return true;
        });
        foreach (var (name, secret) in (ReadOnlySpan<(string, byte[])>)[
            ("PIN", contents.Piv.Pin), ("PUK", contents.Piv.Puk), ("management key", contents.Piv.ManagementKey)])
        {
            Assert.True(known.Exists(k => k.AsSpan().SequenceEqual(secret)), $"{what}: the {name} on the key is unknown");
        }

        Assert.True(contents.Piv.PinTriesLeft > 0 && contents.Piv.PukTriesLeft > 0, $"{what}: blocked");
    }

    /// <summary>A finished key: its secrets are the record's, no try is missing, its seed is the token's, and both stand at one
    /// counter.</summary>
    public static async Task AssertRightAsync(
        ServerUnderTest server, CutPointCase strategies, VirtualKey key, string cuid, string token, byte[] seed, string what)
    {
        var sealer = server.Services.GetRequiredService<Sealer>();
        var contents = key.Peek();
        var (record, puk) = await server.WithDatabase(async db =>
        {
            var found = await db.Records.AsNoTracking().SingleAsync(r => r.Cuid == cuid, Cancel);
            return (found, await server.Services.GetRequiredService<KeySecrets>().PukOfAsync(db, found, Cancel));
        });
        Assert.True(record.Status == KeyStatus.ReadyForHandout, what);
        Assert.True(puk.AsSpan().SequenceEqual(contents.Piv.Puk), $"{what}: the PUK on record");
        var pin = strategies.Profile.Pin.Strategy == PinStrategy.RefuseDefault ? HolderPin : sealer.Open(record.SealedPin!, SealedPlace.RecordPin(cuid));
        Assert.True(pin.AsSpan().SequenceEqual(contents.Piv.Pin), $"{what}: the PIN on record is {Encoding.ASCII.GetString(pin)}");
        if (strategies.Profile.ManagementKey == ManagementKeyStrategy.Random)
        {
            var management = sealer.Open(record.SealedManagementKey!, SealedPlace.RecordManagementKey(cuid));
            Assert.True(management.AsSpan().SequenceEqual(contents.Piv.ManagementKey), $"{what}: the management key on record");
        }

        Assert.Equal((contents.Piv.PinTriesTotal, contents.Piv.PukTriesTotal), (contents.Piv.PinTriesLeft, contents.Piv.PukTriesLeft));
        if (strategies.Profile.Oath is not { } oath)
        {
            return;
        }

        var row = await server.CounterAsync(token);
        var (secret, counter) = oath.Slot is null
            ? contents.Oath.Select(c => (c.Secret, c.MovingFactor)).Single()
            : contents.Slots.Where(s => s.Slot == 2).Select(s => (s.Secret, s.MovingFactor)).Single();
        Assert.True(row.State == TokenState.Active, what);
        Assert.True(secret.AsSpan().StartsWith(seed), $"{what}: the seed");
        // A touch whose code was accepted before the server died is asked for once more: the key is ahead by it, in the window.
        var ahead = oath.Slot is null ? 0 : AskedAgainMax;
        Assert.True(strategies.IsTotp || (row.Counter <= counter && counter - row.Counter <= ahead), $"{what}: the key stands at {counter}, the server at {row.Counter}");
        Assert.True(record.FirstCodeAcceptedAt is not null, what);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
