namespace Oath;

/// <summary>How a resynchronization ended. Whatever is not <see cref="Found"/> is a refusal, the default too.</summary>
public enum ResynchronizationOutcome : byte
{
    /// <summary>The first code is not the one of any counter within the window.</summary>
    FirstCodeNotFound,

    /// <summary>The first code is within the window, but the following ones do not follow it.</summary>
    NotConsecutive,

    /// <summary>The codes are of counters already passed; a counter never goes back (RFC 4226 section 7.2).</summary>
    AlreadyUsed,

    /// <summary>The codes follow each other at more than one place; a further code decides.</summary>
    Ambiguous,

    /// <summary>The codes follow each other at exactly one place in the window.</summary>
    Found,
}

/// <summary>What a resynchronization (RFC 4226 section 7.4) found, or why it refuses.</summary>
public readonly record struct ResynchronizationResult
{
    private readonly ulong lastMatched;
    private readonly ulong distance;

    private ResynchronizationResult(ResynchronizationOutcome outcome, int window, ulong lastMatched, ulong distance)
    {
        Outcome = outcome;
        Window = window;
        this.lastMatched = lastMatched;
        this.distance = distance;
    }

    /// <summary>How it ended; only <see cref="ResynchronizationOutcome.Found"/> lets a counter move.</summary>
    public ResynchronizationOutcome Outcome { get; }

    /// <summary>How many counters the first code was looked for at: "not within 1,000".</summary>
    public int Window { get; }

    /// <summary>Whether the codes were found at exactly one place.</summary>
    public bool Found => Outcome == ResynchronizationOutcome.Found;

    /// <summary>The counter of the last code.</summary>
    /// <exception cref="InvalidOperationException">Nothing was found.</exception>
    public ulong LastMatched => Found ? lastMatched : throw NothingFound();

    /// <summary>
    /// The counter to expect next: one past the last code's. It always exists, see <see cref="Resynchronization"/>.
    /// </summary>
    /// <exception cref="InvalidOperationException">Nothing was found.</exception>
    public ulong NextCounter => Found ? lastMatched + 1 : throw NothingFound();

    /// <summary>How many counters had been passed unseen: from the expected one to the first code's.</summary>
    /// <exception cref="InvalidOperationException">Nothing was found.</exception>
    public ulong Distance => Found ? distance : throw NothingFound();

    internal static ResynchronizationResult At(ulong lastMatched, ulong distance, int window) =>
        new(ResynchronizationOutcome.Found, window, lastMatched, distance);

    internal static ResynchronizationResult Refused(ResynchronizationOutcome outcome, int window) =>
        new(outcome, window, lastMatched: 0, distance: 0);

    private InvalidOperationException NothingFound() => new($"Nothing was found: {Outcome}.");
}
