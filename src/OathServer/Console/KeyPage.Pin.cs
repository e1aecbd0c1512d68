using Microsoft.AspNetCore.Components;
using OathServer.Access;
using OathServer.Storage;
using OathServer.Validation;
using OathServer.Validation.Pins;

namespace OathServer.Pages;

/// <summary>The PIN that is typed before the code.</summary>
public partial class KeyPage
{
    private Phrase? pinFault;

    [SupplyParameterFromForm(Name = "pin")] private string? NewPin { get; set; }

    /// <summary>The tokens whose PIN can be set: those that have one, and all where the realm asks for it.</summary>
    private Token[] PinTokens =>
        [.. call!.Tokens.Where(t => t.Counter!.State != TokenState.Disabled && (call.Pins.ContainsKey(t.Id) || Policies.Of(t.Realm).Pin != PinRule.None))];

    private async Task SetPin()
    {
        Permit.Require(Http, Rules.Help);
        if (call is null || Array.Find(PinTokens, t => t.Serial == TokenSerial) is not { } token)
        {
            return;
        }

        pinFault = Pins.FaultOf(NewPin ?? "") is not null
            ? new Phrase("A PIN is {0} to {1} characters.", Policies.Defaults.PinLengthMin, ValidationPolicy.PinLengthMax) : ReasonFault();
        if (pinFault is not null)
        {
            Http.Response.StatusCode = StatusCodes.Status422UnprocessableEntity;
            return;
        }

        await Pins.SetAsync(Db, token.Serial, NewPin!, Reason!.Trim(), Actor, Http.RequestAborted);
        said = (T["The PIN of {0} is set.", token.Serial], "good", null);
        await LoadAsync();
    }

    private async Task ClearPin(Token token)
    {
        Permit.Require(Http, Rules.Help);
        pinFault = ReasonFault();
        if (pinFault is not null)
        {
            Http.Response.StatusCode = StatusCodes.Status422UnprocessableEntity;
            return;
        }

        await Pins.ClearAsync(Db, token.Serial, Reason!.Trim(), Actor, Http.RequestAborted);
        said = (T["{0} has no PIN any more: its codes count alone.", token.Serial], "good", null);
        await LoadAsync();
    }

    private Phrase? ReasonFault() => PinEndpoint.FaultOf(Reason ?? "") is null
        ? null : new Phrase("Say why, in {0} to {1} characters. It is kept in the trail.", PinEndpoint.ReasonMin, PinEndpoint.ReasonMax);
}
