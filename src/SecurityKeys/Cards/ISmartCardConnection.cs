namespace SecurityKeys.Cards;

/// <summary>
/// An open line to one card. Carries single APDUs as they are; chaining and everything above is the caller's
/// (<see cref="AppletChannel"/>), so that a connection over a network or another vendor's library is one small class.
/// </summary>
/// <remarks>Not safe for use from several threads at once.</remarks>
public interface ISmartCardConnection : IDisposable
{
    /// <summary>The reader the card is in, as the system names it.</summary>
    string ReaderName { get; }

    /// <summary>What the card said of itself at power-up; empty when the connection does not know.</summary>
    ReadOnlyMemory<byte> AnswerToReset { get; }

    /// <summary>
    /// Sends one command APDU and returns data and status word. Throws <see cref="CardRemovedException"/>,
    /// <see cref="CardResetException"/> or <see cref="SmartCardException"/>; never keeps a copy of the bytes.
    /// </summary>
    byte[] Transmit(ReadOnlySpan<byte> command);

    /// <summary>Keeps other programs from the card until the result is disposed.</summary>
    IDisposable BeginTransaction();
}
