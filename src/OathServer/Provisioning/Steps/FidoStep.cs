using System.Globalization;
using SecurityKeys.Fido;

namespace OathServer.Provisioning.Steps;

/// <summary>The FIDO policy, where the key lets it be set through this reader. What could not be done is on the record in
/// words and holds nothing up: the decision itself is what closes the gap.</summary>
internal static class FidoStep
{
    public static async Task RunAsync(JobInHand job, CancellationToken cancel)
    {
        var step = job.Journal.Step(StepNames.Fido);
        var fido = job.Decisions.Fido;
        job.Record.FidoPolicy = FidoWords.Of(fido);
        if (JobInHand.IsOver(step))
        {
            job.Record.FidoStatus ??= fido.Scope == FidoScope.NotUsed ? "nothing to apply" : null;
            return;
        }

        await job.Journal.IntendAsync(step, old: null, next: null, cancel);
        job.Record.FidoStatus = Apply(job, fido);
        job.Journal.Done(step, job.Record.FidoStatus);
    }

    private static string Apply(JobInHand job, FidoDecision decision)
    {
        // Over USB most keys offer FIDO as a HID device only.
        if (FidoApplication.TrySelect(job.Card) is not { } fido || fido.GetInfo() is not { } info)
        {
            return "not reachable through this reader; the holder's first registration applies the key's own rules";
        }

        // The minimum only ever rises, so setting it again after a lost answer is harmless.
        if (info.MinPinLength >= decision.MinPinLength)
        {
            return string.Create(CultureInfo.InvariantCulture, $"the key requires at least {info.MinPinLength}");
        }

        if (!info.CanSetMinPinLength)
        {
            return "this key has no command for it";
        }

        if (info.PinIsSet == true)
        {
            return "a FIDO PIN is set already; only its holder can change the rules";
        }

        fido.SetMinPinLength(decision.MinPinLength, forceChange: false);
        return fido.GetInfo() is { } after && after.MinPinLength >= decision.MinPinLength
            ? string.Create(CultureInfo.InvariantCulture, $"the key requires at least {after.MinPinLength}")
            : throw new JobStoppedException("The key did not take the FIDO PIN length. Resume to try again.");
    }
}
