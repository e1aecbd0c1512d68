using SecurityKeys.Cards;

namespace SecurityKeys.Piv;

/// <summary>What became of a PIN or PUK given to the key.</summary>
public enum PinOutcome
{
    /// <summary>Not decided; never returned. The default value must not be an acceptance.</summary>
    None,

    /// <summary>It was right, and what was asked for was done.</summary>
    Accepted,

    /// <summary>It was wrong; a try was spent.</summary>
    Wrong,

    /// <summary>No tries are left.</summary>
    Blocked,
}

/// <summary>The key's verdict on a PIN or PUK, and how many tries it has left after it where the key said so.</summary>
public readonly record struct PinVerdict(PinOutcome Outcome, int? TriesLeft)
{
    /// <summary>Right and done.</summary>
    public bool Accepted => Outcome == PinOutcome.Accepted;

    /// <summary>Nothing if accepted, else <see cref="PinRefusedException"/>.</summary>
    public void ThrowIfRefused(string what)
    {
        if (Accepted) return;
        throw new PinRefusedException(
            what, Outcome == PinOutcome.Wrong ? StatusWord.Wrong(TriesLeft ?? 0) : StatusWord.Blocked);
    }

    internal static PinVerdict From(string what, StatusWord status) => status switch
    {
        _ when status == StatusWord.Ok => new PinVerdict(PinOutcome.Accepted, null),
        // SP 800-73-4 part 2, 3.2.1: 63CX, X tries left; 6983 blocked. A last wrong try may be told as 63C0.
        { TriesLeft: 0 } => new PinVerdict(PinOutcome.Blocked, 0),
        { TriesLeft: { } left } => new PinVerdict(PinOutcome.Wrong, left),
        _ => throw new CardStatusException(what, status),
    };
}
