using OathServer.Storage;

namespace OathServer.Validation.Elsewhere;

/// <summary>What the old server said.</summary>
internal enum OldVerdict
{
    Refused,
    Accepted,

    /// <summary>It does not know whom it was asked about either.</summary>
    Unknown,
}

/// <summary>Its verdict, and the token it named.</summary>
internal readonly record struct OldAnswer(OldVerdict Verdict, string? Token = null);

/// <summary>The server that is being replaced. Two real ones: privacyIDEA's REST interface and RADIUS.</summary>
internal abstract class OldServer
{
    /// <summary>Puts one code to it.</summary>
    /// <param name="realm">The realm; <c>default</c> is not told.</param>
    /// <param name="name">The user's name, or the serial number.</param>
    /// <param name="bySerial">Which of the two.</param>
    /// <param name="code">What was typed.</param>
    /// <param name="cancel">The time it has.</param>
    /// <exception cref="OldServerUnavailableException">It gave no answer that can be relied on.</exception>
    public abstract Task<OldAnswer> AskAsync(string realm, string name, bool bySerial, string code, CancellationToken cancel);
}

/// <summary>The old server is away, or what it says is no answer. Never an acceptance.</summary>
internal sealed class OldServerUnavailableException(string message, Exception? inner = null) : StorageUnavailableException(message, inner);
