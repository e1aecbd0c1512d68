using OathServer.Storage;

namespace OathServer.Validation;

/// <summary>A <see cref="PinRule"/> as the API and forms say it.</summary>
internal static class PinRuleWords
{
    public const string None = "none";
    public const string BeforeCode = "before-code";

    public static string Of(PinRule rule) => rule == PinRule.BeforeCode ? BeforeCode : None;

    /// <summary>Null when it is neither.</summary>
    public static PinRule? Parse(string? word) => word switch { None => PinRule.None, BeforeCode => PinRule.BeforeCode, _ => null };
}
