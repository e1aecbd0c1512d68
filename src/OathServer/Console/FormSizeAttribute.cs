using Microsoft.AspNetCore.Http.Metadata;

namespace OathServer.Pages;

/// <summary>A page whose form may carry a file of so many octets. The file stays in memory and never reaches a temporary
/// file: seeds in the clear would lie there.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class FormSizeAttribute(int octets) : Attribute, IFormOptionsMetadata, IRequestSizeLimitMetadata
{
    private const int FieldsMax = 64 * 1024;

    public long? MaxRequestBodySize => octets + FieldsMax;

    public bool? BufferBody => false;

    public int? MemoryBufferThreshold => octets;

    public long? BufferBodyLengthLimit => MaxRequestBodySize;

    public int? ValueCountLimit => 1024;

    public int? KeyLengthLimit => 256;

    public int? ValueLengthLimit => octets;

    public int? MultipartBoundaryLengthLimit => 128;

    public int? MultipartHeadersCountLimit => 16;

    public int? MultipartHeadersLengthLimit => 16 * 1024;

    public long? MultipartBodyLengthLimit => octets;
}
