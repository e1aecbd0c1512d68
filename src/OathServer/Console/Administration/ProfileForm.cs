using System.Globalization;
using OathServer.Provisioning;

namespace OathServer.Pages.Administration;

/// <summary>The decisions of a rollout as they stand in a form that was sent; its fields are called as the API's members.</summary>
internal sealed class ProfileForm(IFormCollection form)
{
    private const int TextMax = 2000;

    public RolloutProfile Read() => new()
    {
        Puk = new PukDecision(Choice<PukStrategy>("puk.strategy"), Text("puk.digits").Length == 0 ? null : Number("puk.digits"), Number("puk.rotateAfterDays")),
        Pin = new PinDecision(Choice<PinStrategy>("pin.strategy"), Number("pin.digits"), Ticked("pin.onHandout")),
        Factory = new FactoryDecision(Text("factory.pin") is { Length: > 0 } pin ? pin : null, Text("factory.puk") is { Length: > 0 } puk ? puk : null),
        Retries = Ticked("retries") ? new RetryDecision(Number("retries.pin"), Number("retries.puk")) : null,
        ManagementKey = Choice<ManagementKeyStrategy>("managementKey"),
        Oath = Ticked("oath") ? new OathDecision(Text("oath.name"), Ticked("oath.touch"), Text("oath.slot") is [var slot] ? slot - '0' : null) : null,
        Fido = new FidoDecision(Choice<FidoScope>("fido.scope"), Number("fido.minPinLength"), Ticked("fido.forceChange"), Text("fido.recovery")),
        VerifyFirstCode = Ticked("verifyFirstCode"),
        Handout = new HandoutDecision(Text("handout.organisation"), Text("handout.helpDesk"), Choice<HandoutLanguage>("handout.language"), Lines("handout.firstSteps")),
    };

    private string Text(string field) => form[field].ToString().Trim() is var text && text.Length <= TextMax ? text : text[..TextMax];

    private string[]? Lines(string field) => Text(field) is { Length: > 0 } text
        ? text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) : null;

    private bool Ticked(string field) => form[field].Count > 0;

    /// <summary>What is no number is 0, which no member allows.</summary>
    private int Number(string field) => int.TryParse(form[field], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    private T Choice<T>(string field) where T : struct, Enum =>
        Enum.TryParse<T>(form[field], out var choice) && Enum.IsDefined(choice) ? choice : default;
}
