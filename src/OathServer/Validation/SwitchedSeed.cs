using OathServer.Storage;

namespace OathServer.Validation;

/// <summary>Puts the first code of a new seed into the log of validations, and so into the journal that a restore replays:
/// without it a restored backup would take that code again.</summary>
internal sealed class SwitchedSeed(long tokenId, int generation, int apiKeyId) : CounterChange
{
    private readonly long[] tokenIds = [tokenId];

    public override ReadOnlySpan<long> TokenIds => tokenIds;

    public override void Decide(CounterRows rows, DateTimeOffset now, ValidationLog log)
    {
        Outcome = Outcome.Accepted;
        if (rows.Contains(tokenId) && rows[tokenId].Generation == generation)
        {
            log.Add(now, tokenId, apiKeyId, Outcome.Accepted, rows[tokenId].Counter, generation: generation);
        }
    }
}
