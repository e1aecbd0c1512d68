using Microsoft.EntityFrameworkCore;
using OathServer.Records;
using OathServer.Storage;
using OathServer.Tokens;
using OathServer.Validation;

namespace OathServer.Pages;

/// <summary>Everything the page of one key shows: its record and its tokens, or a token that has no record.</summary>
internal sealed record Call(KeyRecord? Record, IReadOnlyList<Token> Tokens, PastAttempts Attempts, IReadOnlyList<AuditEntry> Acts, IReadOnlyDictionary<int, string> Parties)
{
    /// <summary>The PINs of its tokens, by their ids: where from and when, never what.</summary>
    public IReadOnlyDictionary<long, TokenPin> Pins { get; private init; } = new Dictionary<long, TokenPin>();

    private const int AttemptsShown = 12;
    private const int ActsShown = 12;

    /// <summary>The record's person, or the token's.</summary>
    public Person? Person => Record?.Person ?? (Tokens.Count > 0 ? Tokens[0].Person : null);

    /// <summary>The credential a complaint about a code is about: the one that failed last, else the first in use.</summary>
    public Token? Suspect => Tokens.OrderByDescending(t => t.Counter!.Failures).ThenByDescending(t => t.Counter!.State == TokenState.Active).FirstOrDefault();

    /// <summary>Null when neither the CUID nor the serial is known.</summary>
    public static async Task<Call?> ReadAsync(OathDbContext db, string? cuid, string? serial, CancellationToken cancel)
    {
        db.ChangeTracker.Clear();
        var record = cuid is null ? null : await RecordSearch.ByCuidAsync(db, cuid, cancel);
        var token = serial is null ? null : await TokensEndpoint.FindAsync(db, serial, cancel);
        if (record is null && token is null)
        {
            return null;
        }

        List<Token> tokens = record is not null ? [.. record.Tokens.OrderBy(t => t.Serial)] : [token!];
        var attempts = await AttemptHistory.OfTokensAsync(db, tokens.ConvertAll(t => t.Id), AttemptsShown, cancel);
        var serials = tokens.ConvertAll(t => t.Serial);
        List<AuditEntry> acts = record is null ? [] : await db.Audit.AsNoTracking().Where(a => a.Cuid == record.Cuid)
            .OrderByDescending(a => a.Sequence).Take(ActsShown).ToListAsync(cancel);
        acts.AddRange(await db.Audit.AsNoTracking().Where(a => serials.Contains(a.Serial!) && a.Cuid == null)
            .OrderByDescending(a => a.Sequence).Take(ActsShown).ToListAsync(cancel));
        var ids = attempts.Attempts.Select(a => a.ApiKeyId).Distinct().ToList();
        var parties = await db.ApiKeys.AsNoTracking().Where(k => ids.Contains(k.Id)).ToDictionaryAsync(k => k.Id, k => k.Name, cancel);
        var tokenIds = tokens.ConvertAll(t => t.Id);
        return new Call(record, tokens, attempts, [.. acts.OrderByDescending(a => a.Sequence).Take(ActsShown)], parties)
        {
            Pins = await db.TokenPins.AsNoTracking().Where(p => tokenIds.Contains(p.TokenId)).ToDictionaryAsync(p => p.TokenId, cancel),
        };
    }
}
