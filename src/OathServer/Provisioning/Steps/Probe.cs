using OathServer.Storage;

namespace OathServer.Provisioning.Steps;

/// <summary>
/// Which of the two values a key may hold is sent next, where a wrong one costs a try. A cut can hide what became of a
/// value that was sent, and each next guess may then be the wrong one; but once a refusal was heard only the other value
/// can be there, and that is kept with the step and never guessed again. A key that does not tell its tries is given up
/// before guesses whose answers nobody heard could have spent them.
/// </summary>
internal static class Probe
{
    /// <summary>What comes after a cut.</summary>
    public static ProbedValue After(ProbedValue sent) => sent switch
    {
        ProbedValue.None or ProbedValue.New => ProbedValue.Old,
        ProbedValue.Old => ProbedValue.New,
        // The old value was there: it still is, with the tries it had, or the new one with all of them, of which a wrong guess is cheaper.
        ProbedValue.SurelyOld => ProbedValue.Old,
        ProbedValue.SurelyNew => ProbedValue.SurelyNew,
        _ => throw new ArgumentOutOfRangeException(nameof(sent), sent, "Nothing comes after a refusal of both."),
    };

    /// <summary>What is on the key when it refused one of the two; null when it was the only one that could be.</summary>
    public static ProbedValue? Left(ProbedValue refused) => refused switch
    {
        ProbedValue.New => ProbedValue.SurelyOld,
        ProbedValue.Old => ProbedValue.SurelyNew,
        _ => null,
    };

    public static bool IsNew(ProbedValue value) => value is ProbedValue.New or ProbedValue.SurelyNew;

    /// <summary>The tries a key has left at worst that does not tell: each guess after which it was cut off may have been refused.</summary>
    public static int TriesAtWorst(ProvisioningStep step, int total) => step.LastTried switch
    {
        ProbedValue.Old or ProbedValue.New => (int)(step.Before ?? total) - 1,
        _ => (int)(step.Before ?? total),
    };
}
