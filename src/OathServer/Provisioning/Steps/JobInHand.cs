using OathServer.Storage;
using SecurityKeys.Cards;

namespace OathServer.Provisioning.Steps;

/// <summary>A job, its key and what the steps share while they run; <c>TypedCode</c> is what an OTP slot typed, sent with resume.</summary>
internal sealed record JobInHand(ISmartCardConnection Card, Journal Journal, KnownProfile Profile, Token? Token, string? User, string? TypedCode = null)
{
    public RolloutProfile Decisions => Profile.Decisions;

    public KeyRecord Record => Journal.Record;

    public string OathName => ProvisioningPlan.OathNameOf(Decisions.Oath!, Token!, User);

    /// <summary>Where the credential goes on the key; nowhere when the job writes none.</summary>
    public (int? Slot, string? Name) Place => Token is null ? (null, null) : (Decisions.Oath!.Slot, OathName);

    public static bool IsOver(ProvisioningStep step) => step.State is StepState.Done or StepState.Skipped;
}

/// <summary>The job cannot go on now; the message tells the operator why and what to do. The job stays open.</summary>
internal sealed class JobStoppedException(string message) : Exception(message);
