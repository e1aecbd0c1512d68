using OathServer.Storage;

namespace OathServer.Pages;

/// <summary>The five gaps, in the words of the rollout.</summary>
internal static class GapWords
{
    public static readonly ClosedGaps[] All = [ClosedGaps.Puk, ClosedGaps.Pin, ClosedGaps.FirstCode, ClosedGaps.Fido, ClosedGaps.Record];

    /// <summary>The gap of that number; null for none of the five.</summary>
    public static ClosedGaps? Of(string? number) => number is [>= '1' and <= '5'] ? All[number[0] - '1'] : null;

    public static Phrase What(int gap) => gap switch
    {
        1 => new Phrase("PUK set and escrowed"),
        2 => new Phrase("Factory PIN rotated"),
        3 => new Phrase("Counter aligned, first code accepted"),
        4 => new Phrase("FIDO PIN policy decided"),
        _ => new Phrase("Recorded under its CUID"),
    };

    public static Phrase Short(int gap) => gap switch
    {
        1 => new Phrase("PUK"),
        2 => new Phrase("PIN"),
        3 => new Phrase("First code"),
        4 => new Phrase("FIDO"),
        _ => new Phrase("Record"),
    };

    public static Phrase Mend(int gap) => gap switch
    {
        1 => new Phrase("Provision these keys again: the PUK is set and escrowed."),
        2 => new Phrase("Provision these keys again: the factory PIN is replaced."),
        3 => new Phrase("Have the key's next code checked: open the key, “a one-time code is refused”, two codes."),
        4 => new Phrase("Decide on FIDO in the profile, then provision again."),
        _ => new Phrase("Keys without holder, operator or time, and tokens in use that no record knows: provision them, or give them to somebody."),
    };
}
