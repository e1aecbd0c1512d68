using OathServer.Storage;

namespace OathServer.Validation;

/// <summary>How far and how often a code may miss. Bound from the section <c>Validation</c> and checked at start.</summary>
internal sealed partial class ValidationPolicy
{
    public const string Section = "Validation";

    /// <summary>Codes tried past the counter (RFC 4226 §7.4); the counter itself is always tried.</summary>
    public int LookAhead { get; set; } = 10;

    /// <summary>How many counters a resynchronisation searches. Above 100 three codes are asked for.</summary>
    public int ResyncWindow { get; set; } = 100;

    /// <summary>How many counters two codes are searched in for a HOTP token that was imported and never used: it may have
    /// run ahead in a drawer. The everyday window is used once a code was accepted, or where it is the wider one.</summary>
    public int FirstUseWindow { get; set; } = 1000;

    /// <summary>Time steps accepted before and after the present one (RFC 6238 §5.2).</summary>
    public int TimeStepTolerance { get; set; } = 1;

    /// <summary>Failures that cost nothing but the code (RFC 4226 §7.3).</summary>
    public int FastFailures { get; set; } = 5;

    /// <summary>The delay after the last fast failure; it doubles with each further one.</summary>
    public TimeSpan FirstDelay { get; set; } = TimeSpan.FromSeconds(30);

    public TimeSpan LongestDelay { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>Consecutive failures after which only help desk unlocks (NIST SP 800-63B §5.2.2: at most 100).</summary>
    public int HardCap { get; set; } = 100;

    /// <summary>Resynchronisations of one token that are looked at in an hour, on each node.</summary>
    public int ResyncTriesPerHour { get; set; } = 6;

    /// <summary>A code that failed for this many users or tokens within <see cref="GuessingWindow"/> is being tried on all
    /// of them: an alarm is raised and the code is refused unseen.</summary>
    public int SameCodeSubjects { get; set; } = 10;

    /// <summary>How long failures are remembered against guessing, and how long an alarm lasts.</summary>
    public TimeSpan GuessingWindow { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Users or tokens that fail through one relying party in a minute, and are most of what it asks, before an
    /// alarm is raised and its failures are answered slowly.</summary>
    public int FailingSubjectsPerMinute { get; set; } = 100;

    /// <summary>How much later a failure is answered while guessing through its relying party goes on.</summary>
    public TimeSpan GuessingDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Whether an OATH token identifier typed before a code (<c>ubom05174211755224</c>) is dropped.</summary>
    public bool TokenIdentifiers { get; set; }

    /// <summary>What stands in the field of a code.</summary>
    public PinRule Pin { get; set; }

    /// <summary>Fewest characters of a PIN that is set here; one that was moved in stays as it is.</summary>
    public int PinLengthMin { get; set; } = 4;

    public const int PinLengthMax = 64;
    public const int ResyncTriesMax = 60;
    public const int LookAheadMax = 50;
    public const int ResyncWindowMax = 1000;
    public const int FirstUseWindowMax = 10_000;
    public const int TwoCodesUpTo = 100;
    public const int HardCapMax = 100;

    /// <summary>How many consecutive codes a resynchronisation asks for: more where it searches far.</summary>
    public int CodesForResync => ResyncWindow > TwoCodesUpTo ? 3 : 2;

    private const int FewestDigits = 6;

    // What the most failures SP 800-63B §5.2.2 allows come to with the default look-ahead: likelier settings are warned of.
    private const double WarnAbove = 100 * 11 / 1_000_000.0;
    private const double RefuseAbove = 1.0 / 100;

    /// <summary>Chance that guessing until the hard cap hits a token of that many digits: tries × codes accepted at once /
    /// 10^digits (RFC 4226 appendix A.4.3). That many codes are the counter's own and the look-ahead, or the time steps.</summary>
    /// <param name="digits">Digits of the code.</param>
    /// <param name="lookAhead">Another look-ahead than the one in use.</param>
    public double ChanceOfAGuess(int digits = FewestDigits, int? lookAhead = null) =>
        HardCap * (double)Math.Max((lookAhead ?? LookAhead) + 1, (2 * TimeStepTolerance) + 1) / Math.Pow(10, digits);

    /// <summary>Likelier to be guessed than with the defaults.</summary>
    public bool IsWeak => ChanceOfAGuess() > WarnAbove;

    /// <summary>Above this the server neither starts nor takes the policy of a realm.</summary>
    public bool IsTooWeak => ChanceOfAGuess() > RefuseAbove;

    /// <summary>What an operator should know of the settings, in words; empty when there is nothing.</summary>
    public string? Warning() => IsWeak
        ? $"With these settings {HardCap} guesses at a six-digit token succeed with a chance of {ChanceOfAGuess():P2} (above the 0.11 % of the defaults). Lower Validation:LookAhead, Validation:TimeStepTolerance or Validation:HardCap; tokens of eight digits are far below."
        : null;

    /// <summary>How many counters a resynchronisation of this token searches now.</summary>
    public int WindowOf(TokenState state, CounterFlags flags, long lastAcceptedAt) =>
        MayHaveRunAhead(state, flags, lastAcceptedAt) ? Math.Max(ResyncWindow, FirstUseWindow) : ResyncWindow;

    /// <summary>Imported and never used: its key may have been pressed in a drawer.</summary>
    public bool MayHaveRunAhead(TokenState state, CounterFlags flags, long lastAcceptedAt) =>
        FirstUseWindow > 0 && state == TokenState.Imported && lastAcceptedAt == 0
        && (flags & (CounterFlags.OneCodeSeen | CounterFlags.ResyncRequired)) == 0;

    /// <summary>What is wrong with the settings, in words; empty when nothing is.</summary>
    public IEnumerable<string> Faults() => FieldFaults().Select(f => f.Field == Chance ? f.Fault : $"{Section}:{f.Field} {f.Fault}");

    /// <summary>What <see cref="FieldFaults"/> names when it is no one setting, but what they come to.</summary>
    public const string Chance = nameof(HardCap) + "×" + nameof(LookAhead);

    /// <summary>The setting that is out of bounds, and how.</summary>
    public IEnumerable<(string Field, string Fault)> FieldFaults()
    {
        if (LookAhead is < 0 or > LookAheadMax)
        {
            yield return (nameof(LookAhead), $"is {LookAhead}; it must be 0 to {LookAheadMax}.");
        }

        if (ResyncWindow is < 2 or > ResyncWindowMax)
        {
            yield return (nameof(ResyncWindow), $"is {ResyncWindow}; it must be 2 to {ResyncWindowMax}.");
        }

        if (FirstUseWindow is < 0 or > FirstUseWindowMax)
        {
            yield return (nameof(FirstUseWindow), $"is {FirstUseWindow}; it must be 0 to {FirstUseWindowMax}.");
        }

        if (TimeStepTolerance is < 0 or > 10)
        {
            yield return (nameof(TimeStepTolerance), $"is {TimeStepTolerance}; it must be 0 to 10.");
        }

        if (HardCap is < 1 or > HardCapMax)
        {
            yield return (nameof(HardCap), $"is {HardCap}; it must be 1 to {HardCapMax}.");
        }

        if (FastFailures < 1 || FastFailures > HardCap)
        {
            yield return (nameof(FastFailures), $"is {FastFailures}; it must be 1 to the hard cap ({HardCap}).");
        }

        if (FirstDelay <= TimeSpan.Zero || LongestDelay < FirstDelay)
        {
            yield return (nameof(FirstDelay), "must be above zero and not above Validation:LongestDelay.");
        }

        if (ResyncTriesPerHour is < 1 or > ResyncTriesMax)
        {
            yield return (nameof(ResyncTriesPerHour), $"is {ResyncTriesPerHour}; it must be 1 to {ResyncTriesMax}.");
        }

        if (SameCodeSubjects < 2 || FailingSubjectsPerMinute < 2 || GuessingWindow <= TimeSpan.Zero || GuessingDelay < TimeSpan.Zero || GuessingDelay > TimeSpan.FromMinutes(1))
        {
            yield return (nameof(SameCodeSubjects), "and FailingSubjectsPerMinute must be 2 or more, GuessingWindow above zero, GuessingDelay zero to a minute.");
        }

        if (PinLengthMin is < 1 or > PinLengthMax)
        {
            yield return (nameof(PinLengthMin), $"is {PinLengthMin}; it must be 1 to {PinLengthMax}.");
        }

        if (IsTooWeak)
        {
            yield return (Chance, $"With these settings {HardCap} guesses at a six-digit token succeed with a chance of {ChanceOfAGuess():P2}; above 1 % they are not taken. Lower Validation:LookAhead or Validation:HardCap.");
        }
    }
}
