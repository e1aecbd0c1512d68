using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Secrets;
using OathServer.Storage;
using Pskc;

namespace OathServer.Import.Export;

/// <summary>Which credentials leave: by serial number, or by batch, import and realm together.</summary>
internal sealed record ExportSelection
{
    public const int SerialsMax = 1000;

    public string[]? Serials { get; init; }

    public string? Batch { get; init; }

    public long? Import { get; init; }

    public string? Realm { get; init; }

    /// <summary>Every credential there is; said in so many words, never by leaving something out.</summary>
    public bool All { get; init; }

    /// <summary>Realms that may be left; null for all.</summary>
    public string[]? Within { get; init; }

    /// <summary>What is wrong with it, in words; null when nothing is.</summary>
    public string? Fault() =>
        Serials is { Length: 0 or > SerialsMax } ? $"name 1 to {SerialsMax} serial numbers, or a batch."
        : Serials is not null && (All || Batch is not null || Import is not null) ? "name serial numbers, or a batch or import, or all; not both."
        : Serials is null && Batch is null && Import is null && Realm is null && !All ? "say which credentials: serials, batch, import, realm or all."
        : null;

    public IQueryable<Token> Of(IQueryable<Token> tokens)
    {
        var (serials, within) = (Serials, Within);
        tokens = serials is null ? tokens : tokens.Where(t => serials.Contains(t.Serial));
        tokens = Batch is null ? tokens : tokens.Where(t => t.Batch == Batch);
        tokens = Import is null ? tokens : tokens.Where(t => t.ImportId == Import);
        tokens = Realm is null ? tokens : tokens.Where(t => t.Realm == Realm);
        return within is null ? tokens : tokens.Where(t => within.Contains(t.Realm));
    }

    public override string ToString() => string.Join(", ", new[]
    {
        Serials is null ? null : $"{Serials.Length} named", Batch is null ? null : $"batch {Batch}", Import is null ? null : $"import {Import}",
        Realm is null ? null : $"realm {Realm}", All ? "all" : null,
    }.Where(t => t is not null));
}

/// <summary>What left.</summary>
/// <param name="Keys">How many credentials are in the file.</param>
/// <param name="Left">How many of the selection are not: disabled ones.</param>
/// <param name="Digest">SHA-256 of the file, upper-case hex.</param>
internal sealed record ExportReceipt(int Keys, int Left, string Digest);

/// <summary>Nothing was exported; the message says why and what to do.</summary>
internal sealed class ExportRefusedException(string message, string next) : Exception(message)
{
    public string Next => next;
}

/// <summary>Credentials leave for another system: one key container, the counters as they stand at one moment, in the
/// audit trail before the first octet is handed out.</summary>
internal sealed class CredentialExport(Sealer sealer, AuditTrail audit, FactsChanged factsChanged)
{
    /// <summary>Up to so many, each credential has a line of its own in the trail.</summary>
    private const int NamedMax = 1000;

    private static readonly TokenState[] leaving = [TokenState.Imported, TokenState.Active, TokenState.Suspended];

    /// <summary>Writes the container to <paramref name="to"/>, which nobody may see before this has returned.</summary>
    /// <param name="db">The store.</param>
    /// <param name="to">A stream that can be read again, at its start.</param>
    /// <param name="selection">Which credentials.</param>
    /// <param name="how">How they are sealed; never in the open.</param>
    /// <param name="recipient">For whom, for the trail.</param>
    /// <param name="suspend">Suspends them here first, so that the counters in the file stay true.</param>
    /// <param name="reason">Why, for the trail.</param>
    /// <param name="actor">Who.</param>
    /// <param name="progress">Told now and then how many are written.</param>
    /// <param name="cancel">Ends it; a suspension stays, and is in the trail.</param>
    /// <exception cref="ExportRefusedException">Nothing fits, or a credential cannot leave now.</exception>
    public async Task<ExportReceipt> ExportAsync(
        OathDbContext db, Stream to, ExportSelection selection, PskcWriteOptions how, string recipient, bool suspend, string reason,
        AuditEvent actor, Action<int>? progress, CancellationToken cancel)
    {
        if (!how.Protection.IsEncrypted)
        {
            throw new InvalidOperationException("An export is never written in the open.");
        }

        var left = await CheckAsync(db, selection, cancel);
        var about = $"{selection}, {recipient}; reason: {reason}";
        if (suspend)
        {
            await SuspendAsync(db, selection, actor with { Action = "export.suspend", Outcome = "done", Detail = about }, cancel);
        }

        var serials = new List<string>();
        using (var writer = PskcWriter.Create(to, how))
        {
            // One statement reads one moment of the store, however long it takes and whatever is validated meanwhile.
            var tokens = selection.Of(db.Tokens.AsNoTracking()).Where(t => leaving.Contains(t.Counter!.State))
                .Include(t => t.Counter).Include(t => t.Person).OrderBy(t => t.Serial);
            await foreach (var token in tokens.AsAsyncEnumerable().WithCancellation(cancel))
            {
                var secret = sealer.Open(token.SealedSecret, SealedPlace.TokenSecret(token.Serial, token.Counter!.Generation));
                using (var package = WrittenKey.Of(token, secret))
                {
                    writer.Write(package);
                }

                serials.Add(token.Serial);
                if (serials.Count % 1000 == 0)
                {
                    progress?.Invoke(serials.Count);
                }
            }

            writer.Complete();
        }

        await to.FlushAsync(cancel);
        to.Position = 0;
        var receipt = new ExportReceipt(serials.Count, left, Convert.ToHexString(await SHA256.HashDataAsync(to, cancel)));
        to.Position = 0;
        var done = actor with { Action = "export", Outcome = "done", Detail = $"{receipt.Keys} credentials, {about}; SHA-256 {receipt.Digest}" };
        await audit.SaveAsync(db, cancel, serials.Count <= NamedMax
            ? [done, .. serials.Select(s => done with { Action = "token.export", Serial = s, Detail = $"{recipient}; reason: {reason}; SHA-256 {receipt.Digest}" })]
            : [done]);
        return receipt;
    }

    /// <summary>How many of the selection stay behind.</summary>
    private static async Task<int> CheckAsync(OathDbContext db, ExportSelection selection, CancellationToken cancel)
    {
        var tokens = selection.Of(db.Tokens.AsNoTracking());
        var states = await tokens.GroupBy(t => t.Counter!.State).Select(g => new { State = g.Key, Count = g.Count() }).ToListAsync(cancel);
        int In(params TokenState[] some) => states.Where(s => some.Contains(s.State)).Sum(s => s.Count);
        if (selection.Serials is { } named && states.Sum(s => s.Count) < named.Distinct(StringComparer.Ordinal).Count())
        {
            var found = await tokens.Select(t => t.Serial).ToListAsync(cancel);
            throw new ExportRefusedException($"There is no token {named.Except(found, StringComparer.Ordinal).First()}.", "Check the serial numbers; nothing was exported.");
        }

        if (In(TokenState.Pending) > 0)
        {
            var serial = await tokens.Where(t => t.Counter!.State == TokenState.Pending).Select(t => t.Serial).FirstAsync(cancel);
            throw new ExportRefusedException($"Token {serial} is being provisioned.", "Finish or abandon its job first; until then nobody knows what the key holds.");
        }

        if (selection.Serials is not null && In(TokenState.Disabled, TokenState.None) > 0)
        {
            var serial = await tokens.Where(t => !leaving.Contains(t.Counter!.State)).Select(t => t.Serial).FirstAsync(cancel);
            throw new ExportRefusedException($"Token {serial} is disabled.", "Leave it out: whoever reads the file could not know that it must not be used.");
        }

        return In(leaving) > 0
            ? In(TokenState.Disabled, TokenState.None)
            : throw new ExportRefusedException("No credential fits the selection.", "GET /v1/tokens and GET /v1/imports show what there is.");
    }

    private async Task SuspendAsync(OathDbContext db, ExportSelection selection, AuditEvent entry, CancellationToken cancel)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        var ids = selection.Of(db.Tokens).Select(t => t.Id);
        await db.Counters.Where(c => ids.Contains(c.TokenId) && (c.State == TokenState.Imported || c.State == TokenState.Active))
            .ExecuteUpdateAsync(c => c.SetProperty(x => x.State, TokenState.Suspended), cancel);
        await audit.SaveAsync(db, cancel, entry);
        await transaction.CommitAsync(cancel);
        factsChanged.Announce();
    }
}
