namespace OathServer.Operations;

/// <summary>A form that cannot be read: a null character, too many members, a multipart that breaks off. The framework
/// reports them as it would a file.</summary>
internal static class BrokenForm
{
    public static bool Is(Exception fault) => fault is InvalidDataException or (IOException and not BadHttpRequestException);

    public static BadHttpRequestException Refusal(Exception fault) => new("The form could not be read: it breaks off, or is no form.", fault);
}
