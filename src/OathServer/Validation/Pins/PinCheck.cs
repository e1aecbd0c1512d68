using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using OathServer.Secrets;
using OathServer.Storage;

namespace OathServer.Validation.Pins;

/// <summary>
/// Looks at the PIN before a code, where a realm asks for one. Outside the writer, as a hash takes milliseconds and more:
/// at most half of the processors do it at a time, one request after the other for one user, and none for whom the
/// throttle holds. What it finds is only believed together with the counter row, in <see cref="ValidationAttempt"/>.
/// </summary>
internal sealed class PinCheck(IServiceScopeFactory scopes, Sealer sealer, ValidationPolicy settings, TimeProvider time, ILogger<PinCheck> log) : IDisposable
{
    /// <summary>How long a PIN waits for its turn before it is refused for the moment.</summary>
    public static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(8);

    // Held against where nobody has a PIN, so that an unknown name takes the time of a wrong PIN.
    private static readonly Lazy<PinHash> Decoy = new(() => PinHash.Of("decoy, nobody's PIN"));

    private readonly SemaphoreSlim places = new(Math.Max(1, Environment.ProcessorCount / 2));
    private readonly Turns turns = new();

    /// <summary>Looks at the PINs of these credentials, as they are stored now. The caller disposes what it gets once the
    /// code was decided.</summary>
    /// <exception cref="StorageUnavailableException">Too many PINs are waiting.</exception>
    public async Task<PinLook> LookAsync(CredentialFacts[] found, string typed, CancellationToken cancel)
    {
        if (found.Length == 0)
        {
            LookAtDecoy();
            return new PinLook(null);
        }

        var turn = await turns.EnterAsync(found[0].TokenId, WaitMax, cancel) ?? throw Busy();
        try
        {
            return await LookAsync(turn, found, typed, cancel);
        }
        catch
        {
            turn.Dispose();
            throw;
        }
    }

    /// <summary>After a code was accepted: a hash of another server's is made anew here, and a PIN that was empty there is
    /// none here. The acceptance stands whatever becomes of it.</summary>
    public async Task RenewAsync(PinLook look, CredentialFacts accepted, CancellationToken cancel)
    {
        if (look.Of(accepted) is not { Renew: { } stored } what)
        {
            return;
        }

        try
        {
            await using var scope = scopes.CreateAsyncScope();
            var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
            if (what.Pin.Length == 0)
            {
                await DropEmptyAsync(db, stored, cancel);
                return;
            }

            var (scheme, verifier) = Seal(sealer, accepted.Serial, stored.Version + 1, PinHash.Of(what.Pin));
            await db.TokenPins.Where(p => p.TokenId == stored.TokenId && p.SealedVerifier == stored.SealedVerifier).ExecuteUpdateAsync(
                p => p.SetProperty(x => x.Scheme, scheme).SetProperty(x => x.SealedVerifier, verifier).SetProperty(x => x.Version, stored.Version + 1), cancel);
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            log.LogWarning("The PIN of token {Serial} keeps the hash it came with for now: {Fault}", accepted.Serial, fault.Message);
        }
    }

    /// <summary>A hash as it is stored in that version.</summary>
    public static (PinScheme Scheme, byte[] Verifier) Seal(Sealer sealer, string serial, int version, PinHash hash)
    {
        var value = hash.ToSeal();
        var verifier = sealer.Seal(value, SealedPlace.TokenPin(serial, version));
        CryptographicOperations.ZeroMemory(value);
        return (hash.Scheme, verifier);
    }

    public void Dispose() => places.Dispose();

    private async Task<PinLook> LookAsync(IDisposable turn, CredentialFacts[] found, string typed, CancellationToken cancel)
    {
        var (rows, pins) = await ReadAsync(found, cancel);
        // A user's failures are counted on the first of their tokens.
        if (rows.GetValueOrDefault(found[0].TokenId) is { } counted && HeldBy(counted) is { } held)
        {
            return new PinLook(turn) { Held = held };
        }

        var look = new PinLook(turn);
        var hashed = false;
        foreach (var facts in found)
        {
            var (pin, code) = PinAndCode.Part(typed, facts.Digits, settings.TokenIdentifiers);
            var stored = pins.GetValueOrDefault(facts.TokenId);
            var right = false;
            // A token that is out of use is refused whatever its PIN.
            if (stored is not null && rows.GetValueOrDefault(facts.TokenId) is { State: TokenState.Active or TokenState.Imported })
            {
                right = await IsRightAsync(facts.Serial, stored, pin, cancel);
                hashed = true;
            }

            look.Add(facts.TokenId, new PinLook.Found(stored is not null, right, pin, code, right && stored!.Scheme != PinScheme.Own ? stored : null));
        }

        if (!hashed && typed.Length > Oath.Hotp.MaxDigits)
        {
            LookAtDecoy();
        }

        return look;
    }

    private async Task<(Dictionary<long, TokenCounter> Rows, Dictionary<long, TokenPin> Pins)> ReadAsync(CredentialFacts[] found, CancellationToken cancel)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<OathDbContext>();
        var ids = Array.ConvertAll(found, f => f.TokenId);
        return (await db.Counters.AsNoTracking().Where(c => ids.Contains(c.TokenId)).ToDictionaryAsync(c => c.TokenId, cancel),
            await db.TokenPins.AsNoTracking().Where(p => ids.Contains(p.TokenId)).ToDictionaryAsync(p => p.TokenId, cancel));
    }

    private Outcome? HeldBy(TokenCounter row) => Throttle.Refuses(new CounterRow { Flags = row.Flags, LockedUntil = row.LockedUntil }, time.GetUtcNow());

    private async Task<bool> IsRightAsync(string serial, TokenPin stored, string pin, CancellationToken cancel)
    {
        if (pin.Length > ValidationPolicy.PinLengthMax)
        {
            return false;
        }

        var value = sealer.Open(stored.SealedVerifier, SealedPlace.TokenPin(serial, stored.Version));
        var hash = PinHash.Opened(stored.Scheme, value);
        CryptographicOperations.ZeroMemory(value);
        if (!await places.WaitAsync(WaitMax, cancel))
        {
            throw Busy();
        }

        try
        {
            return hash.Is(pin);
        }
        finally
        {
            places.Release();
        }
    }

    /// <summary>Not when all places are taken: names that nobody has must not keep those waiting that somebody has.</summary>
    private void LookAtDecoy()
    {
        if (!places.Wait(0, CancellationToken.None))
        {
            return;
        }

        try
        {
            _ = Decoy.Value.Is("no PIN");
        }
        finally
        {
            places.Release();
        }
    }

    private static async Task DropEmptyAsync(OathDbContext db, TokenPin stored, CancellationToken cancel)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        if (await db.TokenPins.Where(p => p.TokenId == stored.TokenId && p.SealedVerifier == stored.SealedVerifier).ExecuteDeleteAsync(cancel) > 0)
        {
            await TokenPins.RemoveAsync(db, [stored.TokenId], cancel);
            await transaction.CommitAsync(cancel);
        }
    }

    private static StorageUnavailableException Busy() => new("Too many PINs are being looked at; try again.");
}
