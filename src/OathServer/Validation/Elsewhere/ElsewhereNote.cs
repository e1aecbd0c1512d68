using OathServer.Storage;

namespace OathServer.Validation.Elsewhere;

/// <summary>What the old server said, into the durable log of attempts. Touches no counter.</summary>
internal sealed class ElsewhereNote(Outcome outcome, string subject, int apiKeyId) : CounterChange
{
    public override ReadOnlySpan<long> TokenIds => [];

    public override void Decide(CounterRows rows, DateTimeOffset now, ValidationLog log)
    {
        Outcome = outcome;
        log.Add(now, tokenId: 0, apiKeyId, outcome, subject: subject);
    }
}
