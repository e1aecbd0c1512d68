using System.Text;
using OathServer.Storage;
using SecurityKeys;
using SecurityKeys.Cards;

namespace OathServer.Provisioning.Steps;

/// <summary>A job, its key and what the steps share while they run; <c>TypedCode</c> is what an OTP slot typed, sent with resume.</summary>
internal sealed record JobInHand(ReaderSession Key, KeyProfile Rules, Journal Journal, KnownProfile Profile, Token? Token, string? User, string? TypedCode = null)
{
    public ISmartCardConnection Card => Key.Card;

    /// <summary>The PIN the key came with. A YubiKey says itself whether it still has it.</summary>
    public byte[] FactoryPin => Encoding.ASCII.GetBytes(Own(Decisions.Factory.Pin) ?? Rules.Pin.Factory
        ?? throw new JobStoppedException("Nobody says which PIN this key came with: put it into the profile (factory.pin)."));

    /// <summary>The PUK the key came with, if any.</summary>
    public byte[] FactoryPuk => Encoding.ASCII.GetBytes(Own(Decisions.Factory.Puk) ?? Rules.Puk.Factory
        ?? throw new JobStoppedException("Nobody says which PUK this key came with: put it into the profile (factory.puk)."));

    public RolloutProfile Decisions => Profile.Decisions;

    public KeyRecord Record => Journal.Record;

    public string OathName => ProvisioningPlan.OathNameOf(Decisions.Oath!, Token!, User);

    /// <summary>Where the credential goes on the key; nowhere when the job writes none.</summary>
    public (int? Slot, string? Name) Place => Token is null ? (null, null) : (Decisions.Oath!.Slot, OathName);

    /// <summary>Every YubiKey comes with the same, and says itself whether it still has them.</summary>
    private string? Own(string? stated) => Rules.HasYubicoExtensions ? null : stated;

    public static bool IsOver(ProvisioningStep step) => step.State is StepState.Done or StepState.Skipped;
}

/// <summary>The job cannot go on now; the message tells the operator why and what to do. The job stays open.</summary>
internal sealed class JobStoppedException(string message) : Exception(message);
