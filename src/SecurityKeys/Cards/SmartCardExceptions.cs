namespace SecurityKeys.Cards;

/// <summary>Something went wrong between us and a card. Messages never carry data of a command or an answer.</summary>
public class SmartCardException : Exception
{
    /// <summary>A fault in words for people.</summary>
    public SmartCardException(string message) : base(message)
    {
    }

    /// <summary>A fault with its cause.</summary>
    public SmartCardException(string message, Exception cause) : base(message, cause)
    {
    }
}

/// <summary>The key was pulled: what was being written may or may not have arrived.</summary>
public sealed class CardRemovedException(string reader)
    : SmartCardException($"The key in \"{reader}\" was removed. Insert it again to go on.");

/// <summary>
/// Another program reset the card: the selected application and every proof (PIN, management key) are gone.
/// Reconnect, read the serial again (it may be another key) and select again.
/// </summary>
public sealed class CardResetException(string reader)
    : SmartCardException($"Another program reset the key in \"{reader}\". Reconnect and start the step again.");

/// <summary>The card's answer breaks its own format; nothing of it was believed.</summary>
public sealed class BadCardAnswerException(string message) : SmartCardException(message);

/// <summary>The card has no such application, or it is switched off on this interface.</summary>
public sealed class AppletNotFoundException(string applet)
    : SmartCardException($"The {applet} application is not reachable on this key through this reader.")
{
    /// <summary>The application's name in words.</summary>
    public string Applet { get; } = applet;
}

/// <summary>The key's firmware is older than what was asked of it.</summary>
public sealed class NotOnThisFirmwareException(string what, Version needed, Version found)
    : SmartCardException($"{what} needs firmware {needed} or later; this key has {found}.");

/// <summary>The card refused a command.</summary>
public class CardStatusException(string what, StatusWord status)
    : SmartCardException($"The card refused to {what}: {Explain(status)} ({status}).")
{
    /// <summary>The card's reason.</summary>
    public StatusWord Status { get; } = status;

    private static string Explain(StatusWord status) => status.Value switch
    {
        0x6700 => "wrong length",
        0x6982 => "not authorised yet",
        0x6983 => "blocked, no tries left",
        0x6984 => "no such data",
        0x6985 => "conditions not met, or no touch",
        0x6A80 => "bad data",
        0x6A81 => "not supported",
        0x6A82 => "not found",
        0x6A84 => "no room left",
        0x6A86 or 0x6B00 => "wrong parameters",
        0x6A88 => "no such key or PIN",
        0x6D00 => "instruction unknown",
        _ => "status",
    };
}

/// <summary>A wrong PIN or PUK was given.</summary>
public sealed class PinRefusedException(string what, StatusWord status) : CardStatusException(what, status)
{
    /// <summary>Tries left; null when the card did not say.</summary>
    public int? TriesLeft => Status.TriesLeft;
}
