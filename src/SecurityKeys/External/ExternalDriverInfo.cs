using SecurityKeys.Cards;
using SecurityKeys.OathApplet;

namespace SecurityKeys.External;

/// <summary>Which program drives the keys, and how long one answer may take.</summary>
public sealed record ExternalDriverOptions(string Program, IReadOnlyList<string> Arguments)
{
    /// <summary>A program that is silent for longer is stopped.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>What tells how long that is.</summary>
    internal TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>What the program says of itself.</summary>
public sealed record ExternalDriverInfo(
    string Name, IReadOnlyList<string> Operations, SecretRule PinRule, SecretRule PukRule)
{
    /// <summary>The profile these rules make.</summary>
    public KeyProfile Profile => KeyProfile.External with { Pin = PinRule, Puk = PukRule };
}

/// <summary>An OATH credential as a driver is asked to write it; the secret goes beside it.</summary>
/// <param name="Name">Its name on the key.</param>
/// <param name="Type">HOTP or TOTP.</param>
/// <param name="Algorithm">The hash.</param>
/// <param name="Digits">Digits of a code.</param>
/// <param name="Counter">HOTP: the moving factor of the first code it will make.</param>
/// <param name="PeriodSeconds">TOTP: how long a code holds.</param>
public sealed record ExternalOathCredential(
    string Name, OathType Type, OathAlgorithm Algorithm, int Digits, long Counter, int PeriodSeconds);

/// <summary>What a key says of itself without a PIN; null where it cannot tell.</summary>
public sealed record ExternalKeyProperties(bool? PukInitialized, bool? ForcePinChange, int? PinTriesLeft);

/// <summary>The program answered that it could not do it.</summary>
public sealed class ExternalDriverException(string code, string message)
    : SmartCardException($"The external driver reports \"{code}\": {message}")
{
    /// <summary>The code of docs/keys.md: <c>unsupported</c>, <c>no-key</c>, <c>removed</c>, <c>refused</c>.</summary>
    public string Code { get; } = code;
}
