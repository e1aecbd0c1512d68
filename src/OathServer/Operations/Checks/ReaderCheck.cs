using SecurityKeys.Cards;
using SecurityKeys.Cards.PcSc;

namespace OathServer.Operations.Checks;

/// <summary>Whether keys can be written on this very machine. A server without readers is the usual case.</summary>
internal static class ReaderCheck
{
    public static IEnumerable<Finding> Run()
    {
        string what;
        try
        {
            using var context = new PcscContext();
            what = $"the smart-card service answers, {context.ListReaders().Count} readers";
        }
        catch (SmartCardException fault)
        {
            what = $"none here ({fault.Message.TrimEnd('.')}); keys are written at desks, by agents";
        }

        yield return Finding.Good("readers", what);
    }
}
